// The grid of a DAG: a column for each run, a row for each task. A failure and what it blocked show in one
// column, a task that fails often shows in one row. A mapped task has one cell for all its copies.
import { get, segment } from "../lib/api.js";
import { barHeight, topDuration } from "../lib/charts.js";
import { button, empty, h, show } from "../lib/dom.js";
import { clockTime, duration, fullTime, shortDate } from "../lib/format.js";
import { currentRoute, runLink, setQuery } from "../lib/router.js";
import { TASK_LEGEND, mark, mostUrgent, runLook, runWord, startedBy, toneClass, word } from "../lib/vocabulary.js";
import { legend } from "../widgets/badge.js";
import { reasonText } from "../widgets/wait-reasons.js";

const RUNS = 25;
const RUNS_OF_LARGE = 6;
const MOST_ROWS = 200;
const PIXELS = { least: 4, most: 34 };

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {ViewContext} context */
export async function tab(body, dag, context) {
  const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/grid`);
  const limit = dag.graph.nodes.length > MOST_ROWS ? RUNS_OF_LARGE : RUNS;
  /** @type {Api.DagGrid | null} */
  let drawn = null;
  const load = async () => {
    const grid = await get(path, { limit, cursor: currentRoute().query.get("from") }, context.signal);
    if (grid === drawn) return;
    drawn = grid;
    draw(body, dag, grid);
  };
  context.onQuery = () => load().catch(() => {}); // the next refresh tells what is wrong
  await context.poll(2, load);
}

/**
 * The ids of the tasks that have a row: those of the file, then those that only older versions had. Of very many,
 * those that failed and then the first.
 * @param {Api.DagDetail} dag
 * @param {Api.GridCell[]} cells
 */
function rowsOf(dag, cells) {
  const { nodes } = dag.graph;
  const known = new Set(nodes);
  const all = [...nodes, ...new Set(cells.map((one) => one.task_id).filter((id) => !known.has(id)))];
  if (all.length <= MOST_ROWS) return { rows: all, number: all.length };
  const failed = new Set(cells.filter((one) => one.counts.failed).map((one) => one.task_id));
  const sorted = [...all.filter((id) => failed.has(id)), ...all.filter((id) => !failed.has(id))];
  return { rows: sorted.slice(0, MOST_ROWS), number: all.length };
}

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {Api.DagGrid} grid */
function draw(body, dag, { runs, cells, next_cursor: next }) {
  const isLater = currentRoute().query.get("from");
  if (!runs.length && !isLater) {
    const more = dag.schedule.length ? ", or wait for its schedule." : ".";
    return show(body, empty("This DAG has not run yet. Press Run… to start it now", more));
  }
  const { rows, number } = rowsOf(dag, cells);
  const isNew = !document.getElementById("grid");
  const attributes = { class: "grid", id: "grid", "data-scroll": true, tabindex: 0, role: "region" };
  show(
    body,
    pager(next, isLater),
    h(
      "div",
      { ...attributes, "aria-label": "Grid of runs and tasks" },
      gridTable(rows, [...runs].reverse(), cells, new Set(dag.graph.nodes)),
    ),
    legend(TASK_LEGEND, "outlined: took more than one try", "a number: failed copies of a mapped task"),
    rows.length < number
      ? h(
          "p",
          { class: "quiet" },
          `${rows.length} of ${number} tasks: those that failed, then the first. Open a run to find any of them.`,
        )
      : null,
  );
  if (isNew) document.getElementById("grid")?.scrollTo({ left: 1e6 });
}

/** @param {string | null} next @param {string | null} isLater */
function pager(next, isLater) {
  if (!next && !isLater) return null;
  /** @param {string | null} from */
  const turn = (from) => () => setQuery({ from }, { isStep: true });
  return h(
    "p",
    { class: "row" },
    next ? button("← Older runs", turn(next), { id: "older" }) : null,
    isLater ? button("Newest runs →", turn(null), { id: "newest" }) : null,
  );
}

/** @param {string[]} rows @param {Api.Run[]} columns oldest first @param {Api.GridCell[]} cells @param {Set<string>} current ids of the tasks in the file */
function gridTable(rows, columns, cells, current) {
  const byKey = new Map(cells.map((one) => [`${one.run_id} ${one.task_id}`, one]));
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
          h(
            "th",
            { scope: "row", title: current.has(taskId) ? taskId : `${taskId}, no longer in the file` },
            current.has(taskId) ? taskId : h("span", { class: "quiet" }, taskId),
          ),
          columns.map((run) => h("td", null, cellOf(run, taskId, byKey.get(`${run.run_id} ${taskId}`)))),
        ),
      ),
    ),
  );
}

/** @param {Api.Run} run @param {Api.Run | undefined} before in the column to the left @param {number} top */
function heading(run, before, top) {
  const day = shortDate(run.logical_date);
  const took = run.duration === null ? "" : ` in ${duration(run.duration)}`;
  const label = `Run for ${fullTime(run.logical_date)}: ${runWord(run)}${took}, ${startedBy(run)}${reasonText(run, "; ")}`;
  const bar = h("i", { class: `fill ${toneClass(runLook(run))}` });
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
      h("span", { class: "unseen" }, ` ${runWord(run)}`),
    ),
  );
}

/** @param {Api.Run} run @param {string} taskId @param {Api.GridCell | undefined} found */
function cellOf(run, taskId, found) {
  if (!found) return h("span", { class: "unseen" }, "not in this run");
  const { counts, tries } = found;
  const state = mostUrgent(Object.keys(counts));
  const number = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const tally = Object.entries(counts).map(([name, count]) => `${count} ${word(name)}`);
  const reason = found.reason ? `; ${found.reason}` : "";
  const detail = number > 1 ? `, ${number} mapped instances: ${tally.join(", ")}` : reason;
  const label = `${taskId}: ${word(state)}${tries > 1 ? ` on try ${tries}` : ""}${detail}`;
  return h(
    "a",
    {
      class: `cell ${toneClass(state)}${tries > 1 ? " again" : ""}`,
      href: runLink(run.run_id, { task: taskId }),
      title: label,
      "aria-label": label,
    },
    number > 1 && counts.failed ? `${mark(state)}${counts.failed}` : mark(state),
  );
}
