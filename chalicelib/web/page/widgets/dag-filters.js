// The filters of the list of DAGs, which stand in the address, and what can be done to all DAGs with a tag.
import { get, send } from "../lib/api.js";
import { h, searchField, select, show } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { currentRoute, setQuery } from "../lib/router.js";
import { actionButton } from "../lib/session.js";
import { confirm } from "./confirm-dialog.js";

const NAMES = ["search", "tag", "paused"];
const MOST_TAGS = 500;
const TAGS_SECONDS = 300; // they rarely change, and counting them reads every DAG

/**
 * @param {import("../lib/view-context.js").ViewContext} context
 * @param {() => Promise<unknown>} changed called after schedules were paused or resumed
 */
export function dagFilters(context, changed) {
  /** @type {Api.Tag[]} */
  let tags = [];
  const filters = () => Object.fromEntries(NAMES.map((name) => [name, currentRoute().query.get(name)]));
  /** @param {import("../lib/router.js").Query} changes */
  const put = (changes) => setQuery({ ...changes, from: null });
  const search = searchField(
    { id: "search", placeholder: "Search names and tags  ( / )", "aria-label": "Search DAGs" },
    (text) => put({ search: text }),
  );
  const tag = h("select", { id: "tag", "aria-label": "Tag", onchange: () => put({ tag: tag.value }) });
  const paused = select(
    { id: "paused", "aria-label": "Paused or active", onchange: () => put({ paused: paused.value }) },
    [
      ["", "Paused or active"],
      ["false", "Active"],
      ["true", "Paused"],
    ],
  );
  const actions = h("span", { class: "row" });

  function refresh() {
    const now = filters();
    if (document.activeElement !== search) search.value = now.search ?? "";
    paused.value = now.paused ?? "";
    const labels = new Map(tags.map((one) => [one.tag, `${one.tag} (${one.dag_count})`]));
    if (now.tag && !labels.has(now.tag)) labels.set(now.tag, now.tag);
    show(
      tag,
      [["", "Any tag"], ...labels].map(([value, label]) => h("option", { value }, label)),
    );
    tag.value = now.tag ?? "";
    show(actions, now.tag ? tagButtons(now.tag, tags, reload) : null);
  }

  async function load() {
    const current = (await get("tags", { limit: MOST_TAGS }, context.signal)).tags;
    if (current === tags) return;
    tags = current;
    refresh();
  }

  const reload = () => Promise.all([load(), changed()]);

  refresh();
  context.poll(TAGS_SECONDS, load).catch(() => {}); // without tags the other filters still work
  return {
    element: h("div", { class: "row" }, search, tag, paused, actions),
    refresh,
    filters,
    isAny: () => Object.values(filters()).some(Boolean),
  };
}

/** Pause what is active, resume what is paused. @param {string} tag @param {Api.Tag[]} tags @param {() => unknown} done */
function tagButtons(tag, tags, done) {
  const known = tags.find((one) => one.tag === tag);
  if (!known) return null;
  const active = known.dag_count - known.paused_count;
  return [
    active ? actionButton("Pause all…", () => setPaused(tag, true, active, done), { id: "pause-tag" }) : null,
    known.paused_count
      ? actionButton("Resume all…", () => setPaused(tag, false, known.paused_count, done), { id: "resume-tag" })
      : null,
  ];
}

/** @param {string} tag @param {boolean} isPaused @param {number} number of DAGs @param {() => unknown} done */
function setPaused(tag, isPaused, number, done) {
  const dags = plural(number, "DAG");
  confirm({
    title: isPaused ? `Pause all DAGs with the tag ${tag}` : `Resume all DAGs with the tag ${tag}`,
    text: isPaused
      ? `The schedules of ${dags} start no more runs until they are resumed. Current runs finish, and manual runs are still possible.`
      : `The schedules of ${dags} continue with their next fire time.`,
    label: isPaused ? `Pause ${dags}` : `Resume ${dags}`,
    act: () => send("POST", "dags/pause", { tag, is_paused: isPaused }),
    done,
  });
}
