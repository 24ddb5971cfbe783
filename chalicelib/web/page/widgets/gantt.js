// When each task waited and worked: a name at the left, beside it a bar for every attempt.
import { get, path } from "../lib/api.js";
import { h, s, show } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { duration } from "../lib/format.js";
import { runLink } from "../lib/router.js";
import { word } from "./badge.js";

const NAMES = 150;
const TAIL = 62;
const ROW = 24;
const HEAD = 22;
const ROWS = 60;
const RETRIED = 12;
const earlier = new Map(); // attempt → the ended attempts before it

export function drawGantt(box, state, chosen, signal) {
  const tasks = pick(state.tasks);
  paint(box, state, tasks, chosen);
  const retried = tasks
    .filter((task) => task.try_number > 1)
    .slice(0, RETRIED)
    .filter((task) => !earlier.has(key(task)));
  if (retried.length) {
    Promise.all(retried.map((task) => fetchAttempts(task, signal)))
      .then(() => paint(box, state, tasks, chosen))
      .catch(() => {});
  }
}

const key = (task) => `${task.run_id} ${task.task_id} ${task.map_index} ${task.try_number}`;

async function fetchAttempts(task, signal) {
  const detail = await get(`runs/${path(task.run_id, "tasks", task.task_id)}`, { map_index: task.map_index }, signal);
  earlier.set(
    key(task),
    detail.attempts.filter((attempt) => attempt.try_number < task.try_number && attempt.started_at),
  );
}

/** Those that ran, by the time when they began; of many, failures and the longest. */
function pick(tasks) {
  const ran = tasks.filter((task) => task.started_at || task.queued_at);
  const most =
    ran.length > ROWS
      ? ran
          .sort((a, b) => (b.state === "failed") - (a.state === "failed") || (b.duration ?? 0) - (a.duration ?? 0))
          .slice(0, ROWS)
      : ran;
  return [...most].sort((a, b) => begin(a) - begin(b));
}

const begin = (task) => Date.parse(task.queued_at ?? task.started_at);

function paint(box, { run, tasks }, shown, chosen) {
  if (!shown.length) return show(box, h("p", { class: "quiet" }, "Nothing has begun yet."));
  const now = Date.now();
  const starts = shown
    .map(begin)
    .concat(shown.flatMap((task) => (earlier.get(key(task)) ?? []).map((attempt) => Date.parse(attempt.started_at))));
  const from = Math.min(...starts);
  const until = Math.max(from + 1000, ...shown.map((task) => (task.ended_at ? Date.parse(task.ended_at) : now)));
  const width = Math.max(380, (box.clientWidth || 560) - 24);
  const x = (time) => NAMES + ((time - from) / (until - from)) * (width - NAMES - TAIL);
  const height = HEAD + shown.length * ROW + 4;
  show(
    box,
    s(
      "svg",
      { width, height, role: "group", "aria-label": "Times of the tasks" },
      marks(from, until).map((time) => [
        s("line", { class: "axis", x1: x(time), x2: x(time), y1: HEAD - 4, y2: height }),
        s("text", { class: "quiet", x: x(time) + 2, y: 12 }, duration(Math.round((time - from) / 100) / 10)),
      ]),
      shown.map((task, i) => row(task, HEAD + i * ROW, x, now, chosen, run.run_id)),
    ),
    shown.length < tasks.filter((task) => task.started_at).length
      ? h("p", { class: "quiet" }, `${shown.length} of ${tasks.length} tasks: failures and the longest.`)
      : null,
  );
}

function row(task, y, x, now, chosen, runId) {
  const name = taskName(task);
  const ended = task.ended_at ? Date.parse(task.ended_at) : now;
  const started = task.started_at ? Date.parse(task.started_at) : null;
  const waited = task.queued_at ? Date.parse(task.queued_at) : started;
  const isChosen = chosen && chosen.task_id === task.task_id && chosen.map_index === task.map_index;
  const label = `${name}: ${word(task.state)}${task.duration !== null ? ` after ${duration(task.duration)}` : ""}${task.try_number > 1 ? `, try ${task.try_number}` : ""}`;
  return s(
    "a",
    {
      href: runLink(runId, { task: task.task_id, copy: task.map_index >= 0 ? task.map_index : null }),
      id: `g-${name}`,
      class: isChosen ? "chosen" : null,
    },
    s("title", null, label),
    s(
      "text",
      { x: 2, y: y + 15, "font-weight": isChosen ? 600 : null },
      name.length > 20 ? `${name.slice(0, 19)}…` : name,
    ),
    (earlier.get(key(task)) ?? []).map((attempt) =>
      s("rect", {
        class: "tried",
        x: x(Date.parse(attempt.started_at)),
        y: y + 5,
        width: Math.max(3, x(Date.parse(attempt.ended_at)) - x(Date.parse(attempt.started_at))),
        height: 13,
        rx: 2,
      }),
    ),
    waited !== null && waited < (started ?? ended)
      ? s("rect", {
          class: "waited",
          x: x(waited),
          y: y + 9,
          width: Math.max(1, x(started ?? ended) - x(waited)),
          height: 5,
        })
      : null,
    started !== null
      ? s("rect", {
          class: `f-${task.state}`,
          x: x(started),
          y: y + 4,
          width: Math.max(3, x(ended) - x(started)),
          height: 15,
          rx: 2,
        })
      : null,
    s(
      "text",
      { class: "quiet", x: x(ended) + 5, y: y + 15 },
      task.duration !== null ? duration(task.duration) : started ? "…" : "waits",
    ),
  );
}

function marks(from, until) {
  const span = until - from;
  const step =
    [500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000].find(
      (size) => span / size <= 5,
    ) ?? 86_400_000;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, i) => from + i * step);
}
