// When each task waited and ran: its name at the left, beside it a bar for each attempt.
import { get, segment } from "../lib/api.js";
import { ganttTicks } from "../lib/charts.js";
import { h, s, show } from "../lib/dom.js";
import { taskName, taskQuery } from "../lib/failures.js";
import { duration, shortened } from "../lib/format.js";
import { linkHere } from "../lib/router.js";
import { toneClass, word } from "../lib/vocabulary.js";

const NAMES = 150;
const NAME_LETTERS = 20;
const TAIL = 62;
const ROW = 24;
const HEAD = 22;
const MOST_ROWS = 60;
const MOST_RETRIED = 12; // whose earlier attempts are fetched

/** @typedef {{ started_at: string, ended_at: string }} EarlierAttempt */
/** @typedef {{ runId: string, tasks: Api.TaskInstance[] }} GanttRun */
/** @typedef {{ now: number, x: (time: number) => number, chosen: Api.TaskInstance | null }} Scale */

/** @type {Map<string, EarlierAttempt[]>} the ended attempts before an attempt */
const earlier = new Map();

/**
 * Draw the chart, and again once the earlier attempts of retried tasks are fetched.
 * @param {HTMLElement} box
 * @param {GanttRun} run
 * @param {Api.TaskInstance | null} chosen
 * @param {AbortSignal} signal
 */
export function drawGantt(box, run, chosen, signal) {
  const shown = selected(run.tasks);
  paint(box, run, shown, chosen);
  const unknown = shown
    .filter((task) => task.try_number > 1)
    .slice(0, MOST_RETRIED)
    .filter((task) => !earlier.has(keyOf(task)));
  if (!unknown.length) return;
  Promise.all(unknown.map((task) => fetchEarlier(task, signal)))
    .then(() => paint(box, run, shown, chosen))
    .catch(() => {}); // the chart is complete without them
}

/** @param {Api.TaskInstance} task */
const keyOf = (task) => `${task.run_id} ${task.task_id} ${task.map_index} ${task.try_number}`;
/** @param {Api.TaskInstance} task */
const earlierOf = (task) => earlier.get(keyOf(task)) ?? [];
/** @param {Api.TaskInstance} task */
const begin = (task) => Date.parse(task.queued_at ?? task.started_at ?? "");

/** @param {Api.TaskInstance} task @param {AbortSignal} signal */
async function fetchEarlier(task, signal) {
  const path = /** @type {const} */ (`runs/${segment(task.run_id)}/tasks/${segment(task.task_id)}`);
  const { attempts } = await get(path, { map_index: task.map_index }, signal);
  earlier.set(
    keyOf(task),
    attempts.flatMap(({ try_number, started_at, ended_at }) =>
      try_number < task.try_number && started_at && ended_at ? [{ started_at, ended_at }] : [],
    ),
  );
}

/** Those that were queued, in the order in which that happened; of many, failures and the longest. @param {Api.TaskInstance[]} tasks */
function selected(tasks) {
  const ran = tasks.filter((task) => task.started_at || task.queued_at);
  /** @param {Api.TaskInstance} task */
  const isFailed = (task) => Number(task.state === "failed");
  if (ran.length > MOST_ROWS) {
    ran.sort((a, b) => isFailed(b) - isFailed(a) || (b.duration ?? 0) - (a.duration ?? 0)).splice(MOST_ROWS);
  }
  return ran.sort((a, b) => begin(a) - begin(b));
}

/**
 * @param {HTMLElement} box
 * @param {GanttRun} run
 * @param {Api.TaskInstance[]} shown
 * @param {Api.TaskInstance | null} chosen
 */
function paint(box, { tasks }, shown, chosen) {
  if (!shown.length) return show(box, h("p", { class: "quiet" }, "No task has started yet."));
  const now = Date.now();
  const attempts = shown.flatMap(earlierOf);
  const from = Math.min(...shown.map(begin), ...attempts.map((attempt) => Date.parse(attempt.started_at)));
  const until = Math.max(from + 1000, ...shown.map((task) => (task.ended_at ? Date.parse(task.ended_at) : now)));
  const width = Math.max(380, (box.clientWidth || 560) - 24);
  /** @param {number} time */
  const x = (time) => NAMES + ((time - from) / (until - from)) * (width - NAMES - TAIL);
  const height = HEAD + shown.length * ROW + 4;
  show(
    box,
    s(
      "svg",
      { width, height, role: "group", "aria-label": "When each task ran" },
      ganttTicks(from, until).map((time) => [
        s("line", { class: "axis", x1: x(time), x2: x(time), y1: HEAD - 4, y2: height }),
        s("text", { class: "quiet", x: x(time) + 2, y: 12 }, duration(Math.round((time - from) / 100) / 10)),
      ]),
      shown.map((task, i) => row(task, HEAD + i * ROW, { now, x, chosen })),
    ),
    shown.length < tasks.filter((task) => task.started_at).length
      ? h("p", { class: "quiet" }, `${shown.length} of ${tasks.length} tasks: failures and the longest.`)
      : null,
  );
}

/** @param {Api.TaskInstance} task @param {number} y @param {Scale} scale */
function row(task, y, scale) {
  const { chosen, x, now } = scale;
  const name = taskName(task);
  const isChosen = chosen?.task_id === task.task_id && chosen.map_index === task.map_index;
  const took = task.duration === null ? "" : ` after ${duration(task.duration)}`;
  const tries = task.try_number > 1 ? `, try ${task.try_number}` : "";
  const end = x(task.ended_at ? Date.parse(task.ended_at) : now);
  return s(
    "a",
    {
      href: linkHere({ ...taskQuery(task), try: null, poke: null }),
      id: `g-${name}`,
      class: isChosen ? "chosen" : null,
      "aria-current": isChosen ? "true" : null,
    },
    s("title", null, `${name}: ${word(task.state)}${took}${tries}`),
    s("text", { x: 2, y: y + 15, "font-weight": isChosen ? 600 : null }, shortened(name, NAME_LETTERS)),
    bars(task, y, scale),
    s("text", { class: "quiet", x: end + 5, y: y + 15 }, tailText(task)),
  );
}

/** @param {Api.TaskInstance} task */
function tailText(task) {
  if (task.duration !== null) return duration(task.duration);
  return task.started_at ? "…" : "waiting";
}

/** @param {Api.TaskInstance} task @param {number} y @param {Scale} scale */
function bars(task, y, { x, now }) {
  const ended = task.ended_at ? Date.parse(task.ended_at) : now;
  const started = task.started_at ? Date.parse(task.started_at) : null;
  const queued = begin(task);
  /** @param {number} from @param {number} to @param {number} least */
  const span = (from, to, least) => ({ x: x(from), width: Math.max(least, x(to) - x(from)) });
  return [
    earlierOf(task).map((attempt) => {
      const place = span(Date.parse(attempt.started_at), Date.parse(attempt.ended_at), 3);
      return s("rect", { class: "tried", ...place, y: y + 5, height: 13, rx: 2 });
    }),
    queued < (started ?? ended)
      ? s("rect", { class: "waited", ...span(queued, started ?? ended, 1), y: y + 9, height: 5 })
      : null,
    started === null
      ? null
      : s("rect", {
          class: `fill ${toneClass(task.state)}`,
          ...span(started, ended, 3),
          y: y + 4,
          height: 15,
          rx: 2,
        }),
  ];
}
