// The graph of a DAG. Of one that is too large for a picture: the part around one task, and all of it in numbers.
import { button, empty, h, s, show, table, typedInto } from "../lib/dom.js";
import { duration, shortened } from "../lib/format.js";
import { layOut } from "../lib/graph-layout.js";
import { levels, neighbourhood } from "../lib/neighbourhood.js";
import { currentRoute, hrefTo, runLink, setQuery } from "../lib/router.js";
import { mark, mostUrgent, tally, toneClass, word } from "../lib/vocabulary.js";

const BOX = { width: 168, height: 42 };
const LETTERS = 21;
const MOST_NODES = 300;
const MOST_NEAR = 40;
const MOST_LEVELS = 30;

/** @typedef {{ states: string[], failed: number, tries: number, duration: number | null }} TaskSummary of its mapped instances, or of the unmapped one */
/** @typedef {Map<string, TaskSummary>} Summaries */
/** @typedef {{ graph: Api.Graph, tasks: Api.Task[] }} DagShape */
/** @typedef {(taskId: string) => string} Link */

/** What one box of the graph shows of the instances of a task. @param {Api.TaskInstance[]} tasks @returns {Summaries} */
export function summaries(tasks) {
  return new Map(
    [...Map.groupBy(tasks, (task) => task.task_id)].map(([taskId, instances]) => [
      taskId,
      {
        states: instances.map((task) => task.state),
        failed: instances.filter((task) => task.state === "failed").length,
        tries: Math.max(...instances.map((task) => task.try_number)),
        duration: instances.length === 1 ? instances[0].duration : null,
      },
    ]),
  );
}

/**
 * @param {HTMLElement} box
 * @param {DagShape} dag
 * @param {Summaries} tasks empty for a DAG without a run
 * @param {{ chosen?: string | null, runId?: string | null }} options chosen: a task; a large graph shows what is near it
 */
export async function drawGraph(box, dag, tasks, { chosen = null, runId = null } = {}) {
  const { nodes } = dag.graph;
  if (!nodes.length) return show(box, empty("This DAG has no tasks."));
  if (nodes.length <= MOST_NODES) {
    const link = runId ? (/** @type {string} */ id) => runLink(runId, { task: id }) : null;
    const svg = await picture(dag, dag.graph, tasks, { chosen, link, cut: new Map() });
    return place(box, svg, chosen, [svg]);
  }
  const centre = chosen !== null && nodes.includes(chosen) ? chosen : mostUrgentTask(nodes, tasks);
  const near = neighbourhood(dag.graph, centre, MOST_NEAR);
  const svg = await picture(dag, near, tasks, { chosen: centre, link: centredOn, cut: near.cut });
  place(box, svg, centre, [explanation(nodes, near.nodes.length - 1, centre), svg, levelTable(dag.graph, tasks)]);
}

/** @type {Link} */
const centredOn = (id) => {
  const { parts, query } = currentRoute();
  return hrefTo(parts, { ...Object.fromEntries(query), task: id });
};

/**
 * A picture wider than half of the page gets its whole width. The chosen task is scrolled into view.
 * @param {HTMLElement} box
 * @param {SVGElement} svg
 * @param {string | null} chosen
 * @param {import("../lib/dom.js").Child[]} children
 */
function place(box, svg, chosen, children) {
  const half = (document.getElementById("main")?.clientWidth ?? 0) / 2 - 60;
  box.classList.toggle("spread", Number(svg.getAttribute("width")) > half);
  show(box, children);
  if (box.dataset.chosen === String(chosen)) return;
  box.dataset.chosen = String(chosen);
  const target = svg.querySelector(".chosen")?.getBoundingClientRect();
  if (!target) return;
  const seen = box.getBoundingClientRect();
  if (target.left < seen.left || target.right > seen.right) {
    box.scrollLeft += target.left - seen.left - (seen.width - target.width) / 2;
  }
  if (target.top < seen.top || target.bottom > seen.bottom) {
    box.scrollTop += target.top - seen.top - (seen.height - target.height) / 2;
  }
}

/** The first that failed in topological order, else the first that runs, else the first. @param {string[]} nodes @param {Summaries} tasks */
function mostUrgentTask(nodes, tasks) {
  /** @param {string} state */
  const first = (state) => nodes.find((id) => mostUrgent(tasks.get(id)?.states ?? []) === state);
  return first("failed") ?? first("running") ?? first("up_for_retry") ?? nodes[0];
}

/** @typedef {{ chosen: string | null, link: Link | null, cut: Map<string, number> }} PictureOptions cut: how many neighbours of a task are left out */

/** @param {DagShape} dag @param {Api.Graph} graph @param {Summaries} tasks @param {PictureOptions} options */
async function picture(dag, graph, tasks, options) {
  const { width, height, places, lines } = await layOut({ nodes: graph.nodes, edges: graph.edges }, BOX);
  const definitions = new Map(dag.tasks.map((task) => [task.id, task]));
  return s(
    "svg",
    { width, height, role: "group", "aria-label": "Tasks and their dependencies" },
    lines.map((d) => s("path", { class: "edge", d })),
    places.map((at) => node(at, tasks.get(at.id), definitions.get(at.id), options)),
  );
}

/** @param {string[]} nodes @param {number} others @param {string} centre */
function explanation(nodes, others, centre) {
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
function levelTable(graph, tasks) {
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

/**
 * @param {import("../lib/graph-layout.js").Place} at
 * @param {TaskSummary | undefined} summary
 * @param {Api.Task | undefined} definition
 * @param {PictureOptions} options
 */
function node({ id, x, y }, summary, definition, { chosen, link, cut }) {
  const state = mostUrgent(summary?.states ?? []);
  const corner = { x: x - BOX.width / 2, y: y - BOX.height / 2 };
  const left = cut.get(id);
  const inside = [
    s("title", null, summary ? `${id}: ${titleOf(state, summary)}` : id),
    s("rect", { class: "frame", ...corner, ...BOX, rx: 7 }),
    summary
      ? s("rect", { class: "side", x: corner.x + 1, y: corner.y + 6, width: 4, height: BOX.height - 12, rx: 2 })
      : null,
    s("text", { x: corner.x + 14, y: y - 3 }, shortened(id, LETTERS)),
    s(
      "text",
      { class: "quiet", x: corner.x + 14, y: y + 13 },
      summary ? summaryText(state, summary) : hintOf(definition),
    ),
    left
      ? s(
          "text",
          { class: "quiet", x: x + BOX.width / 2 - 6, y: y - 3, "text-anchor": "end" },
          s("title", null, `${left} more neighbours`),
          `+${left}`,
        )
      : null,
  ];
  const classes = `node ${toneClass(state)}${chosen === id ? " chosen" : ""}`;
  return link ? s("a", { class: classes, href: link(id), id: `n-${id}` }, inside) : s("g", { class: classes }, inside);
}

/** @param {string} state @param {TaskSummary} summary */
function titleOf(state, { states, tries }) {
  const mapped = states.length > 1 ? `, ${states.length} mapped instances` : "";
  return `${word(state)}${mapped}${tries > 1 ? `, try ${tries}` : ""}`;
}

/** @param {string} state @param {TaskSummary} summary */
function summaryText(state, { states, failed, tries, duration: took }) {
  return [
    `${mark(state)} ${word(state)}`,
    states.length > 1 ? ` × ${states.length}` : "",
    states.length > 1 && failed ? `, ${failed} failed` : "",
    took !== null && state !== "skipped" ? ` · ${duration(took)}` : "",
    tries > 1 ? ` · try ${tries}` : "",
  ].join("");
}

/** What is special about a task that has not run. @param {Api.Task | undefined} task */
function hintOf(task) {
  if (!task) return "";
  if (task.trigger_dag_id) return shortened(`triggers ${task.trigger_dag_id}`, LETTERS);
  if (task.sensor) return `pokes every ${duration(task.sensor.poke_interval)}`;
  if (Object.keys(task.expand).length) return "mapped";
  if (task.trigger_rule !== "all_success") return task.trigger_rule.replaceAll("_", " ");
  return task.retries ? `${task.retries} retries` : "";
}
