// The grid of a DAG: a column for each run, a row for each task. A failure and what it blocked show in one
// column, a task that fails often shows in one row.
import { get, segment } from "../lib/api.js";
import { barHeight, topDuration } from "../lib/charts.js";
import { empty, h, show } from "../lib/dom.js";
import { clockTime, duration, fullTime, shortDate } from "../lib/format.js";
import { runLink } from "../lib/router.js";
import { TASK_LEGEND, mark, mostUrgent, startedBy, tally, toneClass, word } from "../lib/vocabulary.js";
import { legend } from "../widgets/badge.js";
import { reasonText } from "../widgets/wait-reasons.js";

const RUNS = 25;
const RUNS_OF_LARGE = 6;
const MOST_ROWS = 200;
const MOST_PAGES = 4;
const PIXELS = { least: 4, most: 34 };

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */
/** @typedef {{ pages: Api.TaskInstanceList[] | Api.RunDetail[] | (Api.TaskInstanceList | Api.RunDetail)[], tasks: Api.TaskInstance[] }} Fetched */

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {ViewContext} context */
export async function tab(body, dag, context) {
  const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/runs`);
  const isLarge = dag.graph.nodes.length > MOST_ROWS;
  const limit = isLarge ? RUNS_OF_LARGE : RUNS;
  /** @type {Api.Run[] | null} */
  let runs = null;
  /** @type {Fetched} */
  let fetched = { pages: [], tasks: [] };
  await context.poll(2, async () => {
    const current = (await get(path, { limit }, context.signal)).runs;
    if (current === runs && current.every((run) => run.ended_at)) return;
    const before = fetched;
    const pages = isLarge
      ? await someTasks(current, context.signal)
      : await allTasks(dag.dag_id, current, context.signal);
    fetched = joined(pages, before);
    if (current === runs && fetched === before) return;
    runs = current;
    draw(body, dag, runs, fetched.tasks);
  });
}

/** The task instances of the runs: as many pages as that takes, newest first. @param {string} dagId @param {Api.Run[]} runs @param {AbortSignal} signal */
async function allTasks(dagId, runs, signal) {
  const oldest = runs.at(-1)?.run_id;
  /** @type {Api.TaskInstanceList[]} */
  const pages = [];
  /** @type {string | null} */
  let cursor = null;
  while (runs.length && pages.length < MOST_PAGES) {
    /** @type {Api.TaskInstanceList} */
    const page = await get("task_instances", { dag_id: dagId, limit: 500, cursor }, signal);
    pages.push(page);
    cursor = page.next_cursor;
    if (!cursor || (page.task_instances.at(-1)?.run_id === oldest && pages.length > 1)) break;
  }
  return pages;
}

/** Of runs with very many tasks: the first of each in topological order, and those that failed. @param {Api.Run[]} runs @param {AbortSignal} signal */
function someTasks(runs, signal) {
  return Promise.all(
    runs.flatMap(({ run_id: id }) => [
      get(/** @type {const} */ (`runs/${segment(id)}`), { limit: MOST_ROWS }, signal),
      get("task_instances", { run_id: id, state: "failed", limit: MOST_ROWS / 4 }, signal),
    ]),
  );
}

/** The task instances of `pages`; `before` itself if no page is new. @param {(Api.TaskInstanceList | Api.RunDetail)[]} pages @param {Fetched} before @returns {Fetched} */
function joined(pages, before) {
  const isSame = pages.length === before.pages.length && pages.every((page, i) => page === before.pages[i]);
  if (isSame) return before;
  const byKey = new Map(
    pages
      .flatMap((page) => page.task_instances)
      .filter((task) => !task.removed_at)
      .map((task) => [`${task.run_id} ${task.task_id} ${task.map_index}`, task]),
  );
  return { pages, tasks: [...byKey.values()] };
}

/** The ids of the tasks that have a row: all, or of very many those that failed and then the first. @param {Api.DagDetail} dag @param {Api.TaskInstance[]} tasks */
function rowsOf(dag, tasks) {
  const { nodes } = dag.graph;
  if (nodes.length <= MOST_ROWS) return nodes;
  const failed = new Set(tasks.filter((task) => task.state === "failed").map((task) => task.task_id));
  return [...nodes.filter((id) => failed.has(id)), ...nodes.filter((id) => !failed.has(id))].slice(0, MOST_ROWS);
}

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {Api.Run[]} runs newest first @param {Api.TaskInstance[]} tasks */
function draw(body, dag, runs, tasks) {
  if (!runs.length) {
    const more = dag.schedule.length ? ", or wait for its schedule." : ".";
    return show(body, empty("This DAG has not run yet. Press Run… to start it now", more));
  }
  const rows = rowsOf(dag, tasks);
  const isNew = !document.getElementById("grid");
  const attributes = { class: "grid", id: "grid", "data-scroll": true, tabindex: 0, role: "region" };
  const number = `${rows.length} of ${dag.graph.nodes.length} tasks: those that failed, then the first.`;
  show(
    body,
    h("div", { ...attributes, "aria-label": "Grid of runs and tasks" }, gridTable(rows, [...runs].reverse(), tasks)),
    legend(TASK_LEGEND, "outlined: took more than one try"),
    rows.length < dag.graph.nodes.length
      ? h("p", { class: "quiet" }, `${number} Open a run to find any of them.`)
      : null,
  );
  if (isNew) document.getElementById("grid")?.scrollTo({ left: 1e6 });
}

/** @param {string[]} rows @param {Api.Run[]} columns oldest first @param {Api.TaskInstance[]} tasks */
function gridTable(rows, columns, tasks) {
  const cells = Map.groupBy(tasks, (task) => `${task.run_id} ${task.task_id}`);
  const top = topDuration(columns);
  return h(
    "table",
    null,
    h("caption", { class: "unseen" }, "Tasks by run, the newest run last"),
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        h("td", null, ""),
        columns.map((run, i) => heading(run, columns[i - 1], top)),
      ),
    ),
    h(
      "tbody",
      null,
      rows.map((taskId) =>
        h(
          "tr",
          null,
          h("th", { scope: "row", title: taskId }, taskId),
          columns.map((run) => h("td", null, cell(run, taskId, cells.get(`${run.run_id} ${taskId}`)))),
        ),
      ),
    ),
  );
}

/** @param {Api.Run} run @param {Api.Run | undefined} before in the column to the left @param {number} top */
function heading(run, before, top) {
  const day = shortDate(run.logical_date);
  const took = run.duration === null ? "" : ` in ${duration(run.duration)}`;
  const label = `Run for ${fullTime(run.logical_date)}: ${word(run.state)}${took}, ${startedBy(run)}${reasonText(run, "; ")}`;
  const bar = h("i", { class: `fill ${toneClass(run.state)}` });
  bar.style.height = `${barHeight(run, top, PIXELS)}px`;
  return h(
    "th",
    { scope: "col" },
    h(
      "a",
      { class: "column", href: runLink(run.run_id), title: label },
      h("span", null, before && shortDate(before.logical_date) === day ? "" : day),
      bar,
      h("span", null, clockTime(run.logical_date)),
      h("span", { class: "unseen" }, ` ${word(run.state)}`),
    ),
  );
}

/** @param {Api.Run} run @param {string} taskId @param {Api.TaskInstance[] | undefined} instances */
function cell(run, taskId, instances) {
  if (!instances) return h("span", { class: "unseen" }, "not in this run, or not shown here");
  const states = instances.map((task) => task.state);
  const state = mostUrgent(states);
  const tries = Math.max(...instances.map((task) => task.try_number));
  const [only] = instances;
  const detail =
    instances.length > 1
      ? `, ${instances.length} mapped instances: ${tally(states)}`
      : only.reason
        ? `; ${only.reason}`
        : reasonText(only, "; ");
  const label = `${taskId}: ${word(state)}${tries > 1 ? ` on try ${tries}` : ""}${detail}`;
  return h(
    "a",
    {
      class: `cell ${toneClass(state)}${tries > 1 ? " again" : ""}`,
      href: runLink(run.run_id, { task: taskId }),
      title: label,
      "aria-label": label,
    },
    mark(state),
  );
}
