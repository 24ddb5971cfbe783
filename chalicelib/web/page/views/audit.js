// Who changed what, newest first.
import { get } from "../lib/api.js";
import { empty, h, show, table } from "../lib/dom.js";
import { live, moment } from "../lib/format.js";
import { shown } from "../lib/json.js";
import { dagLink, here, runLink, setQuery } from "../lib/router.js";

const FILTERS = [
  ["who", "By whom"],
  ["action", "Action"],
  ["target", "Target id"],
];

export async function view(main, context) {
  const list = h("div");
  let last = null;
  const load = async () => {
    const given = Object.fromEntries(FILTERS.map(([name]) => [name, here().query.get(name)]));
    const page = await get("audit", { limit: 200, ...given }, context.signal);
    if (page === last) return;
    last = page;
    show(
      list,
      page.audit.length
        ? table("Changes", ["When", "Who", "Did", "To", "With"], page.audit.map(row), "stack")
        : empty(
            "Nobody has changed anything like that. Every change that people make, here or through the API, is kept.",
          ),
    );
  };
  show(main, h("h1", null, "Audit"), filters(), list);
  context.onQuery = () => load().catch(() => {});
  await context.poll(5, load);
}

function filters() {
  let timer = null;
  return h(
    "div",
    { class: "row" },
    FILTERS.map(([name, label]) => {
      const input = h("input", {
        type: "search",
        id: `filter-${name}`,
        placeholder: label,
        "aria-label": label,
        value: here().query.get(name) ?? "",
        oninput: () => {
          clearTimeout(timer);
          timer = setTimeout(() => setQuery({ [name]: input.value.trim() }), 300);
        },
      });
      return input;
    }),
  );
}

function row(change) {
  const details = Object.entries(change.details)
    .map(([name, value]) => `${name}: ${shown(value)}`)
    .join(", ");
  return [
    h("span", { title: moment(change.at) }, live("ago", change.at)),
    change.who,
    change.action.replaceAll("_", " "),
    target(change),
    h("span", { class: "quiet" }, details),
  ];
}

function target({ action, target: id }) {
  if (/__\d{8}T\d{6}Z_/.test(id)) return h("a", { href: runLink(id.split("/")[0]) }, id);
  return /pool|token|backfill/.test(action) ? id : h("a", { href: dagLink(id) }, id);
}
