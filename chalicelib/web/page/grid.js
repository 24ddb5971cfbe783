// Runs across, tasks down: one failure and what it blocked in a column, the repeat offender in a row.
import { get, path } from "./api.js";
import { top } from "./bars.js";
import { empty, h, show } from "./dom.js";
import { runLink } from "./router.js";
import { badge, mark, word, worst } from "./states.js";
import { clock, duration, how, moment } from "./words.js";

const COLUMNS = 25;
const PAGES = 4;

export async function tab(body, dag, context) {
  let runs = null;
  let tasks = [];
  const load = async () => {
    const now = (await get(`dags/${path(dag.dag_id)}/runs`, { limit: COLUMNS }, context.signal)).runs;
    const isSame = now === runs && !now.some((run) => !run.ended_at);
    if (isSame) return;
    const before = tasks;
    tasks = await tasksOf(dag.dag_id, now, before, context.signal);
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
  const same = before.pages?.length === pages.length && before.pages.every((page, i) => page === pages[i]);
  return same
    ? before
    : Object.assign(
        pages.flatMap((page) => page.task_instances),
        { pages },
      );
}

function draw(body, dag, runs, tasks) {
  if (!runs.length)
    return show(
      body,
      empty(
        "This DAG has not run yet. Press Run… to start it now",
        dag.schedule.length ? ", or wait for its schedule." : ".",
      ),
    );
  const columns = [...runs].reverse();
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
          dag.graph.nodes.map((taskId) =>
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
  );
  if (isNew) document.getElementById("grid").scrollLeft = 1e6;
}

function heading(run, before, highest) {
  const day = (one) =>
    new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }).format(new Date(one.logical_date));
  const label = `Run for ${moment(run.logical_date)}: ${word(run.state)}${run.duration !== null ? ` in ${duration(run.duration)}` : ""}, ${how(run)}`;
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
  if (!copies) return h("span", { class: "unseen" }, "no such task");
  const state = worst(copies.map((task) => task.state));
  const tries = Math.max(...copies.map((task) => task.try_number));
  const many = copies.length > 1 ? `, ${copies.length} copies: ${tally(copies)}` : "";
  const label = `${taskId}: ${word(state)}${tries > 1 ? ` at try ${tries}` : ""}${many}${copies[0].reason && copies.length === 1 ? `; ${copies[0].reason}` : ""}`;
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

export function tally(copies) {
  return Object.entries(Object.groupBy(copies, (task) => task.state))
    .map(([state, some]) => `${some.length} ${word(state)}`)
    .join(", ");
}
