// What stands around the picture of a graph that is too large to be drawn as a whole.
import { button, h, table, typedInto } from "../lib/dom.js";
import { levels } from "../lib/neighbourhood.js";
import { setQuery } from "../lib/router.js";
import { mostUrgent, tally } from "../lib/vocabulary.js";

const MOST_LEVELS = 30;

/** @typedef {import("./task-graph.js").Summaries} Summaries */

/** The first that failed in topological order, else the first that runs, else the first. @param {string[]} nodes @param {Summaries} tasks */
export function mostUrgentTask(nodes, tasks) {
  /** @param {string} state */
  const first = (state) => nodes.find((id) => mostUrgent(tasks.get(id)?.states ?? []) === state);
  return first("failed") ?? first("running") ?? first("up_for_retry") ?? nodes[0];
}
/** @param {string[]} nodes @param {number} others @param {string} centre */
export function explanation(nodes, others, centre) {
  const input = h("input", {
    type: "search",
    id: "centre",
    placeholder: "Task id",
    value: typedInto("centre"),
    "aria-label": "Task to show",
  });
  const go = () => {
    const wanted = input.value.trim();
    const task = nodes.includes(wanted) ? wanted : nodes.find((id) => id.includes(wanted));
    if (wanted && task) setQuery({ task });
    else input.setAttribute("aria-invalid", "true");
  };
  input.addEventListener("change", go);
  return h(
    "div",
    { class: "explained" },
    h(
      "p",
      { class: "quiet" },
      `${nodes.length} tasks are too many to draw at once. `,
      others ? "This shows " : "Nothing is connected to ",
      h("strong", null, centre),
      others ? ` and the ${others} tasks nearest to it. Select one to see what surrounds it.` : ".",
    ),
    h("div", { class: "row" }, input, button("Show", go, { id: "show-around" })),
  );
}
/** All tasks by the longest path to them, and how many are in which state. @param {Api.Graph} graph @param {Summaries} tasks */
export function levelTable(graph, tasks) {
  /** @param {string} id */
  const stateOf = (id) => mostUrgent(tasks.get(id)?.states ?? []);
  const all = levels(graph).map((ids, depth) => ({ ids, depth, isBad: ids.some((id) => stateOf(id) === "failed") }));
  const shown = [...all.filter((level) => level.isBad), ...all.filter((level) => !level.isBad)]
    .slice(0, MOST_LEVELS)
    .sort((a, b) => a.depth - b.depth);
  const rows = shown.map(({ ids, depth }) => {
    const states = tasks.size ? tally(ids.map(stateOf)) : "";
    const examples = ids.length < 4 ? ids.join(", ") : `${ids[0]}, ${ids[1]}, …`;
    return [String(depth + 1), String(ids.length), states, examples];
  });
  return h(
    "div",
    { class: "levels" },
    h("h3", null, "All tasks by level"),
    table("Tasks by level", ["Level", "Tasks", "States", "Examples"], rows),
    all.length > shown.length
      ? h("p", { class: "quiet" }, `${shown.length} of ${all.length} levels: those with failures, then the first.`)
      : null,
  );
}
