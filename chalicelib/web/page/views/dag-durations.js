// How long the runs of a DAG took, and which tasks take that time.
import { get, segment } from "../lib/api.js";
import { topDuration } from "../lib/charts.js";
import { empty, h, s, show, table } from "../lib/dom.js";
import { duration, median, shortTime } from "../lib/format.js";
import { runLink } from "../lib/router.js";
import { runLook, runWord, toneClass } from "../lib/vocabulary.js";
import { legend } from "../widgets/badge.js";

const HEIGHT = 220;
const BOTTOM = 22;
const LEFT = 78;
const MOST_RUNS = 100;

/** @typedef {{ y: (seconds: number) => number, top: number }} Scale top: in seconds */

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {import("../lib/view-context.js").ViewContext} context */
export async function tab(body, dag, context) {
  const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/runs`);
  const tasksPath = /** @type {const} */ (`dags/${segment(dag.dag_id)}/durations`);
  /** @type {Api.RunList | null} */
  let last = null;
  await context.poll(10, async () => {
    const page = await get(path, { limit: MOST_RUNS }, context.signal);
    if (page === last) return;
    last = page;
    const { tasks } = await get(tasksPath, {}, context.signal);
    const ended = page.runs.filter((run) => run.duration !== null);
    draw(body, ended, tasks);
  });
}

/** @param {HTMLElement} body @param {Api.Run[]} runs newest first @param {Api.TaskDurations[]} tasks */
function draw(body, runs, tasks) {
  if (!runs.length) return show(body, empty("No run of this DAG has ended yet."));
  const typical = median(runs.filter((run) => run.state === "success").map((run) => run.duration));
  const latest = duration(runs[0].duration);
  const text =
    typical === null ? "No run has succeeded yet." : `Typically ${duration(typical)}. Latest run: ${latest}.`;
  show(
    body,
    h("p", null, text),
    h(
      "div",
      { class: "box", tabindex: 0, role: "region", "aria-label": "Durations of runs" },
      chart([...runs].reverse(), typical),
    ),
    legend(["success", "failed", "cancelled"], "pale, on top: queued", "dashed line: typical; ▲ longer than the scale"),
    h("h3", null, "By task"),
    taskTable(tasks),
  );
}

/** @param {Api.Run[]} runs oldest first @param {number | null} typical */
function chart(runs, typical) {
  const top = topDuration(runs);
  const step = Math.max(9, Math.min(28, 900 / runs.length));
  const width = Math.max(320, LEFT + runs.length * step + 10);
  /** @param {number} seconds */
  const y = (seconds) => HEIGHT - BOTTOM - (Math.min(seconds, top) / top) * (HEIGHT - 2 * BOTTOM);
  const [first, last] = [runs[0], runs[runs.length - 1]];
  const end = { x: LEFT + 4 + runs.length * step, y: HEIGHT - 5, "text-anchor": "end" };
  return s(
    "svg",
    { width, height: HEIGHT, role: "group", "aria-label": "A bar for each run" },
    [0, top / 2, top].map((level) => [
      s("line", { class: "axis", x1: LEFT, x2: width, y1: y(level), y2: y(level) }),
      s("text", { class: "quiet", x: LEFT - 6, y: y(level) + 4, "text-anchor": "end" }, duration(level)),
    ]),
    runs.map((run, i) => bar(run, { x: LEFT + 4 + i * step, width: step - 3 }, { y, top })),
    typical === null ? null : s("line", { class: "usual", x1: LEFT, x2: width, y1: y(typical), y2: y(typical) }),
    s("text", { class: "quiet", x: LEFT, y: HEIGHT - 5 }, shortTime(first.logical_date)),
    runs.length > 8 ? s("text", { class: "quiet", ...end }, shortTime(last.logical_date)) : null,
  );
}

/** @param {Api.Run} run @param {{ x: number, width: number }} place @param {Scale} scale */
function bar(run, { x, width }, { y, top }) {
  const seconds = run.duration ?? 0;
  const wait = queued(run);
  const queuedFor = wait >= 1 ? `, queued for ${duration(wait)} before` : "";
  const label = `${shortTime(run.logical_date)}: ${runWord(run)} after ${duration(seconds)}${queuedFor}`;
  const height = y(0) - y(seconds) + 1;
  const above = y(seconds) - y(seconds + wait);
  return s(
    "a",
    { href: runLink(run.run_id), "aria-label": label },
    s("title", null, label),
    above >= 1 ? s("rect", { class: "waited", x, y: y(seconds + wait) - 1, width, height: above }) : null,
    s("rect", { class: `fill ${toneClass(runLook(run))}`, x, y: y(seconds) - 1, width, height }),
    seconds > top ? s("text", { class: "quiet", x, y: y(top) - 3 }, "▲") : null,
  );
}

/** Seconds from when the run could have started until it did. @param {Api.Run} run */
function queued({ created_at: created, logical_date: date, started_at: started, run_type: type }) {
  if (!started) return 0;
  const due = type === "scheduled" ? Math.max(Date.parse(created), Date.parse(date)) : Date.parse(created);
  return Math.max(0, (Date.parse(started) - due) / 1000);
}

/** @param {Api.TaskDurations[]} tasks */
function taskTable(tasks) {
  /** @param {number | null} seconds */
  const text = (seconds) => (seconds === null ? "–" : duration(seconds));
  const rows = tasks.map((task) => [
    task.task_id,
    text(task.typical),
    text(task.longest),
    text(task.typical_wait),
    String(task.count),
    task.failed ? h("span", { class: "bad" }, String(task.failed)) : "0",
  ]);
  return rows.length
    ? table("Durations by task", ["Task", "Typical", "Longest", "Typically queued", "Succeeded", "Failed"], rows)
    : empty("No task has ended yet.");
}
