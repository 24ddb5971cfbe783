// Runs across, tasks down: one failure and what it blocked in a column, the repeat offender in a row.
import { get, path } from "../lib/api.js";
import { empty, h, show } from "../lib/dom.js";
import { clock, duration, how, moment } from "../lib/format.js";
import { runLink } from "../lib/router.js";
import { badge, mark, tally, word, worst } from "../widgets/badge.js";
import { top } from "../widgets/run-bars.js";
import { waitsText } from "../widgets/wait-reasons.js";

const COLUMNS = 25;
const PAGES = 4;
const ROWS = 200;
const COLUMNS_OF_LARGE = 6;

export async function tab(body, dag, context) {
  let runs = null;
  let tasks = [];
  const isLarge = dag.graph.nodes.length > ROWS;
  const load = async () => {
    const limit = isLarge ? COLUMNS_OF_LARGE : COLUMNS;
    const now = (await get(`dags/${path(dag.dag_id)}/runs`, { limit }, context.signal)).runs;
    const isSame = now === runs && !now.some((run) => !run.ended_at);
    if (isSame) return;
    const before = tasks;
    tasks = isLarge
      ? await someTasksOf(now, before, context.signal)
      : await tasksOf(dag.dag_id, now, before, context.signal);
    if (now === runs && tasks === before) return;
    runs = now;
    draw(body, dag, runs, tasks);
  };
  await context.poll(2, load);
}

/** Task instances of the runs, newest first; as many pages as these runs take, four at most. */
async function tasksOf(dagId, runs, before, signal) {
  const oldest = runs.at(-1)?.run_id;
  const pages = [];
  let cursor = null;
  while (runs.length && pages.length < PAGES) {
    const page = await get("task_instances", { dag_id: dagId, limit: 500, cursor }, signal);
    pages.push(page);
    cursor = page.next_cursor;
    if (!cursor || (page.task_instances.at(-1)?.run_id === oldest && pages.length > 1)) break;
  }
  return joined(pages, before);
}

/** Of runs with very many tasks: of each the first in running order, and what failed. */
async function someTasksOf(runs, before, signal) {
  const pages = await Promise.all(
    runs.flatMap(({ run_id: id }) => [
      get(`runs/${path(id)}`, { limit: ROWS }, signal),
      get("task_instances", { run_id: id, state: "failed", limit: ROWS / 4 }, signal),
    ]),
  );
  return joined(pages, before);
}

/** The task instances of `pages`; the very list from `before` if no page is new. */
function joined(pages, before) {
  if (before.pages?.length === pages.length && before.pages.every((page, i) => page === pages[i])) return before;
  const byKey = new Map(
    pages
      .flatMap((page) => page.task_instances)
      .filter((task) => !task.removed_at)
      .map((task) => [`${task.run_id} ${task.task_id} ${task.map_index}`, task]),
  );
  return Object.assign([...byKey.values()], { pages });
}

/** The rows of the grid: all tasks, or of very many those that failed and then the first. */
function rowsOf(dag, tasks) {
  const { nodes } = dag.graph;
  if (nodes.length <= ROWS) return nodes;
  const failed = new Set(tasks.filter((task) => task.state === "failed").map((task) => task.task_id));
  return [...nodes.filter((id) => failed.has(id)), ...nodes.filter((id) => !failed.has(id))].slice(0, ROWS);
}

function draw(body, dag, runs, tasks) {
  if (!runs.length) {
    return show(
      body,
      empty(
        "This DAG has not run yet. Press Run… to start it now",
        dag.schedule.length ? ", or wait for its schedule." : ".",
      ),
    );
  }
  const columns = [...runs].reverse();
  const rows = rowsOf(dag, tasks);
  const cells = Map.groupBy(tasks, (task) => `${task.run_id} ${task.task_id}`);
  const highest = top(runs);
  const isNew = !document.getElementById("grid");
  show(
    body,
    h(
      "div",
      {
        class: "grid",
        id: "grid",
        "data-scroll": true,
        tabindex: 0,
        role: "region",
        "aria-label": "Grid of runs and tasks",
      },
      h(
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
            columns.map((run, i) => heading(run, columns[i - 1], highest)),
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
      ),
    ),
    h(
      "div",
      { class: "legend" },
      ["success", "failed", "running", "queued", "up_for_retry", "upstream_failed", "skipped", "cancelled", "none"].map(
        (state) => badge(state),
      ),
      h("span", null, "framed: took more than one try"),
    ),
    rows.length < dag.graph.nodes.length
      ? h(
          "p",
          { class: "quiet" },
          `${rows.length} of ${dag.graph.nodes.length} tasks: those that failed, then the first. Open a run to find any of them.`,
        )
      : null,
  );
  if (isNew) document.getElementById("grid").scrollLeft = 1e6;
}

function heading(run, before, highest) {
  const day = (one) =>
    new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }).format(new Date(one.logical_date));
  const label = `Run for ${moment(run.logical_date)}: ${word(run.state)}${run.duration !== null ? ` in ${duration(run.duration)}` : ""}, ${how(run)}${waitsText(run, "; ")}`;
  const bar = h("i", { class: `f-${run.state}` });
  bar.style.height = `${Math.max(4, Math.min(1, (run.duration ?? highest) / highest) * 34)}px`;
  return h(
    "th",
    { scope: "col" },
    h(
      "a",
      { class: "column", href: runLink(run.run_id), title: label },
      h("span", null, !before || day(before) !== day(run) ? day(run) : ""),
      bar,
      h("span", null, clock(run.logical_date)),
      h("span", { class: "unseen" }, ` ${word(run.state)}`),
    ),
  );
}

function cell(run, taskId, copies) {
  if (!copies) return h("span", { class: "unseen" }, "not in this run, or not shown here");
  const state = worst(copies.map((task) => task.state));
  const tries = Math.max(...copies.map((task) => task.try_number));
  const many = copies.length > 1 ? `, ${copies.length} copies: ${tally(copies)}` : "";
  const label = `${taskId}: ${word(state)}${tries > 1 ? ` at try ${tries}` : ""}${many}${copies.length > 1 ? "" : copies[0].reason ? `; ${copies[0].reason}` : waitsText(copies[0], "; ")}`;
  return h(
    "a",
    {
      class: `cell f-${state}${tries > 1 ? " again" : ""}`,
      href: runLink(run.run_id, { task: taskId }),
      title: label,
      "aria-label": label,
    },
    mark(state),
  );
}
