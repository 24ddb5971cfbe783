// Above the list of DAGs: search, tag and pause, all in the address; and what is done to all of a tag.
import { get, send } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { here, setQuery } from "../lib/router.js";
import { changing } from "../lib/session.js";
import { confirm } from "./confirm-dialog.js";

const NAMES = ["search", "tag", "paused"];
const TAGS = 500;
const TAGS_SECONDS = 300; // they change seldom, and counting them looks at every DAG

/** `changed` is called when schedules were paused or go on. */
export function dagFilters(context, changed) {
  let timer = null;
  let tags = [];
  const asked = () => Object.fromEntries(NAMES.map((name) => [name, here().query.get(name)]));
  const put = (changes) => setQuery({ ...changes, from: null });
  const search = h("input", {
    type: "search",
    id: "search",
    placeholder: "Search names and tags  ( / )",
    "aria-label": "Search DAGs",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => put({ search: search.value.trim() }), 250);
    },
  });
  const tag = h("select", { id: "tag", "aria-label": "Tag", onchange: () => put({ tag: tag.value }) });
  const paused = h(
    "select",
    { id: "paused", "aria-label": "Paused or not", onchange: () => put({ paused: paused.value }) },
    [
      ["", "Paused or not"],
      ["false", "Not paused"],
      ["true", "Paused"],
    ].map(([value, label]) => h("option", { value }, label)),
  );
  const acts = h("span", { class: "row" });

  function refresh() {
    const now = asked();
    if (document.activeElement !== search) search.value = now.search ?? "";
    paused.value = now.paused ?? "";
    const names = new Map(tags.map((one) => [one.tag, `${one.tag} (${one.dag_count})`]));
    if (now.tag && !names.has(now.tag)) names.set(now.tag, now.tag);
    show(
      tag,
      h("option", { value: "" }, "Any tag"),
      [...names].map(([value, label]) => h("option", { value }, label)),
    );
    tag.value = now.tag ?? "";
    show(acts, now.tag ? tagActs(now.tag, tags, reload) : null);
  }

  async function load() {
    const found = (await get("tags", { limit: TAGS }, context.signal)).tags;
    if (found === tags) return;
    tags = found;
    refresh();
  }

  async function reload() {
    await Promise.all([load(), changed()]);
  }

  refresh();
  context.poll(TAGS_SECONDS, load).catch(() => {});
  return {
    node: h("div", { class: "row" }, search, tag, paused, acts),
    refresh,
    asked,
    isAny: () => Object.values(asked()).some(Boolean),
  };
}

/** Of the chosen tag: those that run may be paused, those that are paused may go on. */
function tagActs(tag, tags, done) {
  const known = tags.find((one) => one.tag === tag);
  if (!known) return null;
  const on = known.dag_count - known.paused_count;
  const act = (isPaused, number) => () => {
    const label = isPaused ? `Pause ${count(number, "DAG")}` : `Let ${count(number, "DAG")} go on`;
    confirm({
      title: isPaused ? `Pause everything with the tag ${tag}` : `Let everything with the tag ${tag} go on`,
      tasks: [],
      text: isPaused
        ? `The schedules of ${count(number, "DAG")} start nothing until they are let go on. What runs already ends, and people can still run them.`
        : `The schedules of ${count(number, "DAG")} go on with their next fire time.`,
      label,
      act: () => send("POST", "dags/pause", { tag, is_paused: isPaused }),
      done,
    });
  };
  return [
    on ? changing("Pause all…", act(true, on), { id: "pause-tag" }) : null,
    known.paused_count ? changing("Let all go on…", act(false, known.paused_count), { id: "resume-tag" }) : null,
  ];
}
