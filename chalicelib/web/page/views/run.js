// One run: its state and cause of failure, the graph and the times of its tasks, and the chosen task with its log.
import { get, getAll, messageOf, orElse, segment } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { firstFailures, taskName } from "../lib/failures.js";
import { median, shortTime } from "../lib/format.js";
import { currentRoute } from "../lib/router.js";
import { isActive } from "../lib/vocabulary.js";
import { drawGantt } from "../widgets/gantt.js";
import { drawRunHead } from "../widgets/run-head.js";
import { drawGraph, summaries } from "../widgets/task-graph.js";
import { removedTasks, taskList } from "../widgets/task-list.js";
import { taskPanel } from "../widgets/task-panel.js";

const MOST_TASKS = 10_000;
const ENDED_SECONDS = 30; // a run that has ended changes only if somebody clears it
const PAGE = 500; // tasks that one request fetches
const SEEN_SHARE = 0.6; // of the window's height: a panel that begins below is as good as out of view

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */
/** @typedef {import("../widgets/task-graph.js").DagShape & { dag_id: string, name: string, version: number | null }} RunDag version: whose tasks these are; null if the DAG is gone */
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
    const chosen = chosenTask(data);
    panel.choose(
      chosen,
      data.tasks.filter(({ task_id: id }) => id === chosen?.task_id),
    );
  };
  const refresh = async () => {
    const before = data;
    data = await fetchRun(runId, before, context.signal);
    if (data !== before || panel.hasFailed()) redraw();
  };
  lay(main, parts);
  redraw();
  context.onQuery = () => {
    const before = chosenName(parts);
    redraw();
    if (chosenName(parts) !== before) bringIntoView(parts.panel);
  };
  const pages = Math.ceil(data.tasks.length / PAGE);
  const isLive = () => isActive(data.run.state);
  const seconds = () => (isLive() ? Math.max(2, pages * 2) : ENDED_SECONDS);
  await context.poll(seconds, refresh, isLive);
}

/** @returns {Parts} */
function emptyParts() {
  /** @param {string} id @param {string} label */
  const scroller = (id, label) =>
    h("div", { class: "scroller", id, tabindex: 0, role: "region", "aria-label": label, "data-scroll": true });
  return {
    head: h("div", { class: "run-head" }),
    graph: h("div", { class: "graph", id: "graph-box" }),
    gantt: scroller("gantt-box", "Timeline"),
    list: scroller("list-box", "List of tasks"),
    panel: h("div", { class: "panel" }),
  };
}

/** The head, and below it all of the run on one screen. @param {HTMLElement} main @param {Parts} parts */
function lay(main, { head, graph, gantt, list, panel }) {
  /** @param {string} area @param {string} label @param {...import("../lib/dom.js").Child} children */
  const part = (area, label, ...children) => h("section", { class: `${area}-part`, "aria-label": label }, ...children);
  show(
    main,
    h(
      "div",
      { class: "run-screen" },
      head,
      h(
        "div",
        { class: "workbench" },
        part("graph", "Task graph", h("h2", null, "Graph"), graph),
        part("timeline", "Task timeline", h("h2", null, "Timeline"), gantt),
        part("tasks", "Tasks", h("h2", null, "Tasks"), list),
        part("panel", "Selected task", panel),
      ),
    ),
  );
}

/** @param {Parts} parts @param {RunData} data @param {() => Promise<unknown>} refresh @param {AbortSignal} signal */
function draw(parts, data, refresh, signal) {
  const { run, tasks, removed, dag } = data;
  const chosen = chosenTask(data);
  const selection = { chosen };
  drawRunHead(parts.head, data, refresh);
  drawGantt(parts.gantt, { run, tasks, definitions: dag.tasks }, chosen, signal);
  drawGraph(parts.graph, dag, summaries(tasks), { chosen: chosen?.task_id, runId: run.run_id }).catch((error) =>
    show(parts.graph, messageOf(error)),
  );
  show(parts.list, taskList(tasks, selection), removedTasks(removed, selection));
  const name = chosen ? taskName(chosen) : "";
  if (parts.list.dataset.chosen === name) return;
  for (const list of [parts.list, parts.gantt]) {
    list.dataset.chosen = name;
    scrollTo(list, list.querySelector("[aria-current]"));
  }
}

/** @param {Parts} parts */
const chosenName = ({ list }) => list.dataset.chosen;

/** Scroll a list, and nothing else, until its chosen row is seen. @param {HTMLElement} list @param {Element | null} row */
function scrollTo(list, row) {
  if (!row) return;
  const [target, seen] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
  if (target.top >= seen.top && target.bottom <= seen.bottom) return;
  list.scrollTop += target.top - seen.top - (seen.height - target.height) / 2;
}

/** On a window that is too small for all of it, what was chosen is shown. @param {HTMLElement} panel */
function bringIntoView(panel) {
  const { top } = panel.getBoundingClientRect();
  if (top < 0 || top > innerHeight * SEEN_SHARE) panel.scrollIntoView({ block: "start" });
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
  const dag = before?.run.version === run.version ? before.dag : await fetchDag(run, signal);
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

/** The version that the run uses; the active one if that is no longer kept. @param {Api.RunDetail} run @param {AbortSignal} signal @returns {Promise<RunDag>} */
async function fetchDag({ dag_id: dagId, version }, signal) {
  const path = /** @type {const} */ (`dags/${segment(dagId)}/versions/${segment(version)}`);
  const own = await get(path, {}, signal).catch(orElse(null));
  if (own) return own;
  /** @type {RunDag} */
  const unknown = { dag_id: dagId, name: dagId, version: null, graph: { nodes: [], edges: [] }, tasks: [] };
  /** @type {Promise<RunDag>} */
  const active = get(/** @type {const} */ (`dags/${segment(dagId)}`), {}, signal);
  return active.catch(orElse(unknown));
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
