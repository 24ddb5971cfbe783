// One run: its state and cause of failure, the graph and the times of its tasks, and the chosen task with its log.
import { get, getAll, messageOf, orElse, segment } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { firstFailures } from "../lib/failures.js";
import { median, shortTime } from "../lib/format.js";
import { currentRoute } from "../lib/router.js";
import { drawGantt } from "../widgets/gantt.js";
import { drawRunHead } from "../widgets/run-head.js";
import { drawGraph, summaries } from "../widgets/task-graph.js";
import { removedTasks, taskList } from "../widgets/task-list.js";
import { taskPanel } from "../widgets/task-panel.js";

const MOST_TASKS = 10_000;
const PAGE = 500; // tasks that one request fetches

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */
/** @typedef {import("../widgets/task-graph.js").DagShape & { dag_id: string, name: string, version: number | null }} RunDag */
/**
 * @typedef {object} RunData
 * @property {Api.RunDetail} run
 * @property {Api.TaskInstance[]} tasks in topological order
 * @property {Api.TaskInstance[]} removed task instances that are no longer in the file
 * @property {number} fetched how many task instances there were
 * @property {RunDag} dag
 * @property {number | null} typicalSeconds median duration of other successful runs
 */
/** @typedef {{ head: HTMLElement, graph: HTMLElement, gantt: HTMLElement, list: HTMLElement, panel: HTMLElement }} Parts */

/** @param {HTMLElement} main @param {ViewContext} context */
export async function view(main, context) {
  const [runId] = context.args;
  const parts = emptyParts();
  const panel = taskPanel(parts.panel, context.signal, () => refresh());
  let data = await fetchRun(runId, null, context.signal);
  const redraw = () => {
    context.setTitle(`${data.dag.name} ${shortTime(data.run.logical_date)}`);
    draw(parts, data, refresh, context.signal);
    panel.choose(chosenTask(data));
  };
  const refresh = async () => {
    const before = data;
    data = await fetchRun(runId, before, context.signal);
    if (data !== before || panel.hasFailed()) redraw();
  };
  lay(main, parts);
  redraw();
  context.onQuery = redraw;
  const pages = Math.ceil(data.tasks.length / PAGE);
  await context.poll(Math.max(2, pages * 2), refresh);
}

/** @returns {Parts} */
function emptyParts() {
  /** @param {string} id @param {string} label @param {object} more */
  const box = (id, label, more = {}) =>
    h("div", { class: "box", id, tabindex: 0, role: "region", "aria-label": label, ...more });
  return {
    head: h("div"),
    graph: box("graph-box", "Graph", { "data-scroll": true }),
    gantt: box("gantt-box", "Timeline"),
    list: h("div"),
    panel: h("div"),
  };
}

/** @param {HTMLElement} main @param {Parts} parts */
function lay(main, { head, graph, gantt, list, panel }) {
  show(
    main,
    head,
    h(
      "div",
      { class: "pair" },
      h("section", { "aria-label": "Task graph" }, h("h2", null, "Graph"), graph),
      h("section", { "aria-label": "Task timeline" }, h("h2", null, "Timeline"), gantt),
    ),
    h(
      "div",
      { class: "pair tasks" },
      h("section", { "aria-label": "Tasks" }, h("h2", null, "Tasks"), list),
      h("section", { "aria-label": "Selected task" }, panel),
    ),
  );
}

/** @param {Parts} parts @param {RunData} data @param {() => Promise<unknown>} refresh @param {AbortSignal} signal */
function draw(parts, data, refresh, signal) {
  const { run, tasks, removed, dag } = data;
  const chosen = chosenTask(data);
  const selection = { runId: run.run_id, chosen };
  drawRunHead(parts.head, data, refresh);
  const gantt = { runId: run.run_id, tasks };
  drawGantt(parts.gantt, gantt, chosen, signal);
  const room = parts.gantt.clientWidth;
  drawGraph(parts.graph, dag, summaries(tasks), { chosen: chosen?.task_id, runId: run.run_id })
    .catch((error) => show(parts.graph, messageOf(error)))
    .then(() => {
      // A wide graph takes the room beside it.
      if (parts.gantt.clientWidth !== room) drawGantt(parts.gantt, gantt, chosen, signal);
    });
  show(parts.list, taskList(tasks, selection), removedTasks(removed, selection));
}

/**
 * The run as it is now: `before` itself if nothing has changed.
 * @param {string} runId
 * @param {RunData | null} before
 * @param {AbortSignal} signal
 * @returns {Promise<RunData>}
 */
async function fetchRun(runId, before, signal) {
  const path = /** @type {const} */ (`runs/${segment(runId)}`);
  const { items, first: run } = await getAll(path, "task_instances", { most: MOST_TASKS, signal });
  const isOnePage = items.length <= PAGE; // of more pages, the first alone doesn't tell whether others have changed
  if (before?.fetched === items.length && before.run === run && isOnePage) return before;
  // The run may have moved on to the latest version of the file.
  const dag = before?.run.version === run.version ? before.dag : await fetchDag(run.dag_id, signal);
  return {
    run,
    tasks: sorted(
      items.filter((task) => !task.removed_at),
      dag.graph.nodes,
    ),
    removed: items.filter((task) => task.removed_at),
    fetched: items.length,
    dag,
    typicalSeconds: before ? before.typicalSeconds : await typicalSeconds(run, signal),
  };
}

/** A DAG may be gone while its runs are still there. @param {string} dagId @param {AbortSignal} signal @returns {Promise<RunDag>} */
function fetchDag(dagId, signal) {
  /** @type {RunDag} */
  const unknown = { dag_id: dagId, name: dagId, version: null, graph: { nodes: [], edges: [] }, tasks: [] };
  /** @type {Promise<RunDag>} */
  const dag = get(/** @type {const} */ (`dags/${segment(dagId)}`), {}, signal);
  return dag.catch(orElse(unknown));
}

/** In topological order, mapped instances by their index. @param {Api.TaskInstance[]} tasks @param {string[]} nodes */
function sorted(tasks, nodes) {
  const places = new Map(nodes.map((id, index) => [id, index]));
  /** @param {Api.TaskInstance} task */
  const placeOf = (task) => places.get(task.task_id) ?? places.size;
  return [...tasks].sort((a, b) => placeOf(a) - placeOf(b) || a.map_index - b.map_index);
}

/** @param {Api.RunDetail} run @param {AbortSignal} signal */
async function typicalSeconds(run, signal) {
  const path = /** @type {const} */ (`dags/${segment(run.dag_id)}/runs`);
  /** @type {Promise<Api.RunList>} */
  const request = get(path, { state: "success", limit: 20 }, signal);
  const { runs } = await request.catch(orElse({ runs: [], next_cursor: null }));
  return median(runs.filter((other) => other.run_id !== run.run_id).map((other) => other.duration));
}

/** The task of the address, or else the first failure, a task that runs, or the one that ended last. @param {RunData} data */
function chosenTask({ tasks, removed }) {
  const { query } = currentRoute();
  const asked = query.get("task");
  if (asked) {
    const instances = [...tasks, ...removed].filter((task) => task.task_id === asked);
    const index = query.get("map_index");
    return (
      instances.find((task) => String(task.map_index) === index) ??
      instances.find((task) => task.state === "failed") ??
      instances[0] ??
      null
    );
  }
  const [failure] = firstFailures(tasks).values();
  const started = tasks
    .filter((task) => task.started_at)
    .sort((a, b) => (a.ended_at ?? "").localeCompare(b.ended_at ?? ""));
  return (
    failure ??
    tasks.find((task) => task.state === "running") ??
    tasks.find((task) => task.state === "up_for_retry") ??
    started.at(-1) ??
    tasks[0] ??
    null
  );
}
