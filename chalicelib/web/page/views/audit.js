// Who changed what, newest first.
import { get } from "../lib/api.js";
import { empty, h, searchField, show, table } from "../lib/dom.js";
import { fullTime } from "../lib/format.js";
import { displayed } from "../lib/json.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, linkHere, runLink, setQuery } from "../lib/router.js";

const FILTERS = [
  ["who", "Who"],
  ["action", "Action"],
  ["target", "Target id"],
];

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  /** @type {Api.AuditList | null} */
  let last = null;
  const load = async () => {
    const filters = Object.fromEntries(FILTERS.map(([name]) => [name, currentRoute().query.get(name)]));
    const page = await get("audit", { limit: 200, ...filters }, context.signal);
    if (page === last) return;
    last = page;
    show(
      list,
      page.audit.length
        ? table("Changes", ["Time", "Who", "Action", "Target", "Details"], page.audit.map(cells), "stack")
        : empty("No matching entries. Every change that people make, here or through the API, is recorded."),
    );
  };
  show(main, h("h1", null, "Audit"), filterRow(), list);
  context.onQuery = () => {
    showFilters();
    load().catch(() => {}); // the next poll tells what is wrong
  };
  await context.poll(5, load);
}

/** Fill the fields from the address, which a link may have changed; not the one that somebody types into. */
function showFilters() {
  for (const [name] of FILTERS) {
    const field = /** @type {HTMLInputElement | null} */ (document.getElementById(`filter-${name}`));
    if (field && field !== document.activeElement) field.value = currentRoute().query.get(name) ?? "";
  }
}

function filterRow() {
  return h(
    "div",
    { class: "row" },
    FILTERS.map(([name, label]) => {
      const value = currentRoute().query.get(name) ?? "";
      const attributes = { id: `filter-${name}`, placeholder: label, "aria-label": label, value };
      return searchField(attributes, (text) => setQuery({ [name]: text }));
    }),
  );
}

/** @param {Api.AuditEntry} entry */
function cells(entry) {
  const details = Object.entries(entry.details).map(([name, value]) => `${name}: ${displayed(value)}`);
  return [
    h("span", { title: fullTime(entry.at) }, liveTime("ago", entry.at)),
    h("a", { href: linkHere({ who: entry.who }), "aria-label": `Changes by ${entry.who}` }, entry.who),
    entry.action.replaceAll("_", " "),
    [targetLink(entry), " ", onlyLink(entry.target)],
    h("span", { class: "quiet" }, details.join(", ")),
  ];
}

/** All changes of one thing. @param {string} target */
function onlyLink(target) {
  if (currentRoute().query.get("target") === target) return null;
  return h("a", { href: linkHere({ target }), class: "quiet", "aria-label": `history of ${target}` }, "history");
}

/** @param {Api.AuditEntry} entry */
function targetLink({ action, target }) {
  if (/__\d{8}T\d{6}Z_/.test(target)) return h("a", { href: runLink(target.split("/")[0]) }, target);
  return /pool|token|backfill/.test(action) ? target : h("a", { href: dagLink(target) }, target);
}
