// When each task waited and ran, to scale: its name at the left, beside it a bar for each attempt, and lines for the
// time between. A sensor's bar begins with its first poke. Mapped instances are folded into one row.
import { get, isAbort, segment } from "../lib/api.js";
import { ganttTicks } from "../lib/charts.js";
import { h, s, show } from "../lib/dom.js";
import { taskName, taskQuery } from "../lib/failures.js";
import { duration, shortened } from "../lib/format.js";
import { currentRoute, linkHere } from "../lib/router.js";
import { countsText } from "../lib/task-counts.js";
import { readyTime, spansOf } from "../lib/task-spans.js";
import { isFinal, mostUrgent, toneClass, word } from "../lib/vocabulary.js";

const NAMES = 150;
const NARROW = { room: 520, names: 112 }; // pixels
const LETTER = 7.2;
const TAIL = 62;
const ROW = 24;
const HEAD = 22;
const MOST_ROWS = 120;
const MOST_ATTEMPTS = 1000;
const LEAST_PIXELS = { run: 3, tried: 3, asking: 2, wait: 1, delay: 1 };

/** @typedef {import("../lib/task-spans.js").Span} Span */
/** @typedef {{ run: Api.RunDetail, tasks: Api.TaskInstance[], definitions: Api.Task[] }} GanttRun */
/** @typedef {{ instances: Api.TaskInstance[], spans: Span[] }} Row the instances of a mapped task, or one task */
/** @typedef {{ x: (time: number) => number, names: number, width: number, chosen: Api.TaskInstance | null }} Scale */

/** @type {{ key: string, attempts: Map<string, Api.EarlierAttempt[]> }} of the run that was shown last, by instance */
let earlier = { key: "", attempts: new Map() };

/**
 * Draw the chart, and again once the earlier attempts of retried tasks are fetched.
 * @param {HTMLElement} box
 * @param {GanttRun} data
 * @param {Api.TaskInstance | null} chosen
 * @param {AbortSignal} signal
 */
export function drawGantt(box, data, chosen, signal) {
  paint(box, data, chosen);
  const tries = data.tasks.reduce((sum, task) => sum + task.try_number, 0);
  const key = `${data.run.run_id} ${tries} ${data.tasks.length}`;
  if (earlier.key === key || !data.tasks.some(hasEarlier)) return;
  fetchEarlier(data.run.run_id, signal)
    .then((attempts) => {
      earlier = { key, attempts };
      paint(box, data, chosen);
    })
    .catch((error) => {
      if (!isAbort(error)) box.dataset.incomplete = "true"; // the chart is useful without them
    });
}

/** @param {Api.TaskInstance} task */
const hasEarlier = ({ try_number: tries, ended_at: endedAt }) => tries > 1 || (tries === 1 && !endedAt);

/** @param {{ task_id: string, map_index: number }} task */
const keyOf = (task) => `${task.task_id} ${task.map_index}`;

/** @param {string} runId @param {AbortSignal} signal */
async function fetchEarlier(runId, signal) {
  const path = /** @type {const} */ (`runs/${segment(runId)}/earlier_attempts`);
  const { attempts } = await get(path, { limit: MOST_ATTEMPTS }, signal);
  return Map.groupBy(attempts, keyOf);
}

/** @param {HTMLElement} box @param {GanttRun} data @param {Api.TaskInstance | null} chosen */
function paint(box, data, chosen) {
  const now = Date.now();
  const all = rowsOf(data, now);
  if (!all.length) return show(box, h("p", { class: "quiet" }, "No task has started yet."));
  const rows = selected(all, chosen);
  const spans = rows.flatMap((row) => row.spans);
  const from = Math.min(...spans.map((span) => span.from));
  const until = Math.max(from + 1000, ...spans.map((span) => span.until));
  const width = Math.max(300, (box.clientWidth || 560) - 24);
  const names = width < NARROW.room ? NARROW.names : NAMES;
  /** @param {number} time */
  const x = (time) => names + ((time - from) / (until - from)) * (width - names - TAIL);
  const height = HEAD + rows.length * ROW + 4;
  show(
    box,
    s(
      "svg",
      { width, height, role: "group", "aria-label": "When each task waited and ran" },
      ganttTicks(from, until).map((time) => [
        s("line", { class: "axis", x1: x(time), x2: x(time), y1: HEAD - 4, y2: height }),
        s("text", { class: "quiet", x: x(time) + 2, y: 12 }, duration(Math.round((time - from) / 100) / 10)),
      ]),
      rows.map((row, i) => drawnRow(row, HEAD + i * ROW, { x, names, width, chosen })),
    ),
    meaning(spans),
    rows.length < all.length
      ? h("p", { class: "quiet" }, `${rows.length} of ${all.length} tasks: failures and the longest.`)
      : null,
  );
}

/** A row for each task that has something to show, in the order in which that begins. @param {GanttRun} data @param {number} now @returns {Row[]} */
function rowsOf({ run, tasks, definitions }, now) {
  const byTask = Map.groupBy(tasks, (task) => task.task_id);
  const ends = new Map([...byTask].map(([id, instances]) => [id, endOf(instances)]));
  const begin = run.admitted_at ?? run.started_at;
  const ready = new Map(
    definitions.map((task) => [task.id, readyTime(task, ends, begin === null ? null : Date.parse(begin))]),
  );
  const open = currentRoute().query.get("open");
  /** @param {Api.TaskInstance} task */
  const spans = (task) => spansOf(task, earlier.attempts.get(keyOf(task)) ?? [], ready.get(task.task_id) ?? null, now);
  return [...byTask]
    .flatMap(([id, instances]) => (id === open ? instances.map((task) => [task]) : [instances]))
    .map((instances) => ({ instances, spans: foldedSpans(instances, instances.map(spans)) }))
    .filter((row) => row.spans.length)
    .sort((a, b) => a.spans[0].from - b.spans[0].from);
}

/** When the last of the instances ended; null if one has not. @param {Api.TaskInstance[]} instances */
function endOf(instances) {
  if (!instances.every((task) => isFinal(task.state))) return null;
  const times = instances.map((task) => Date.parse(task.ended_at ?? "")).filter((time) => !Number.isNaN(time));
  return times.length ? Math.max(...times) : null;
}

/** Of several instances: when the first waited, and from the first start to the last end. @param {Api.TaskInstance[]} instances @param {Span[][]} all @returns {Span[]} */
function foldedSpans(instances, all) {
  if (instances.length === 1) return all[0];
  const spans = all.flat();
  const work = spans.filter(({ kind }) => kind === "run" || kind === "tried" || kind === "asking");
  const from = Math.min(...spans.map((span) => span.from));
  const until = Math.max(...spans.map((span) => span.until));
  if (!spans.length) return [];
  if (!work.length) return [{ kind: "wait", from, until, text: "waiting" }];
  const begin = Math.min(...work.map((span) => span.from));
  return [
    ...(from < begin ? [/** @type {Span} */ ({ kind: "wait", from, until: begin, text: "waited" })] : []),
    { kind: "run", from: begin, until, text: countsText(instances.map((task) => task.state)) },
  ];
}

/** Of many, failures and the longest, and the chosen one. @param {Row[]} rows @param {Api.TaskInstance | null} chosen */
function selected(rows, chosen) {
  if (rows.length <= MOST_ROWS) return rows;
  /** @param {Row} row */
  const rank = (row) => {
    if (row.instances.some((task) => task.task_id === chosen?.task_id)) return 2;
    return Number(row.instances.some((task) => task.state === "failed"));
  };
  const kept = new Set([...rows].sort((a, b) => rank(b) - rank(a) || lengthOf(b) - lengthOf(a)).slice(0, MOST_ROWS));
  return rows.filter((row) => kept.has(row));
}

/** Milliseconds from its first start to its end. @param {Row} row */
function lengthOf({ spans }) {
  const work = spans.filter(({ kind }) => kind !== "wait" && kind !== "delay");
  return work.length ? work[work.length - 1].until - work[0].from : 0;
}

/** @param {Row} row @param {number} y @param {Scale} scale */
function drawnRow(row, y, { x, names, width, chosen }) {
  const { instances, spans } = row;
  const [task] = instances;
  const isPile = instances.length > 1;
  const name = isPile ? `${task.task_id} × ${instances.length}` : taskName(task);
  const isChosen = chosen?.task_id === task.task_id && (isPile || chosen.map_index === task.map_index);
  const state = mostUrgent(instances.map((instance) => instance.state));
  const query = isPile ? { task: task.task_id, map_index: null } : taskQuery(task);
  const tail = x(spans[spans.length - 1].until) + 5;
  return s(
    "a",
    {
      href: linkHere({ ...query, try: null, poke: null }),
      id: `g-${isPile ? task.task_id : taskName(task)}`,
      class: isChosen ? "chosen" : null,
      "aria-current": isChosen ? "true" : null,
    },
    s("title", null, `${name}: ${[word(state), ...spans.map(spanText)].join(", ")}`),
    s("rect", { class: "hit", x: 0, y, width, height: ROW }),
    s("text", { x: 2, y: y + 15, "font-weight": isChosen ? 600 : null }, shortened(name, Math.floor(names / LETTER))),
    spans.map((span) => bar(span, y, x, state, isPile)),
    s("text", { class: "quiet", x: tail, y: y + 15 }, tailText(row)),
  );
}

/** @param {Span} span */
const spanText = ({ text, from, until }) =>
  `${text ? `${text}: ` : ""}${duration(Math.round((until - from) / 100) / 10)}`;

/** @param {Span} span @param {number} y @param {(time: number) => number} x @param {string} state @param {boolean} isPile */
function bar({ kind, from, until }, y, x, state, isPile) {
  const place = { x: x(from), width: Math.max(LEAST_PIXELS[kind], x(until) - x(from)) };
  if (kind === "wait") return s("rect", { class: "waited", ...place, y: y + 9, height: 5 });
  if (kind === "delay") return s("rect", { class: "delayed", ...place, y: y + 10, height: 3 });
  if (kind === "asking") return s("rect", { class: "asking", ...place, y: y + 6, height: 11, rx: 2 });
  if (kind === "tried") return s("rect", { class: "tried", ...place, y: y + 5, height: 13, rx: 2 });
  return s("rect", {
    class: `fill ${toneClass(state)}${isPile ? " many" : ""}`,
    ...place,
    y: y + 4,
    height: 15,
    rx: 2,
  });
}

/** @param {Row} row */
function tailText(row) {
  const isActive = row.instances.some((task) => !isFinal(task.state));
  const length = lengthOf(row);
  if (!length) return isActive ? "waiting" : "";
  if (isActive) return "…";
  const [task] = row.instances;
  const hasAsked = row.spans.some(({ kind }) => kind === "asking");
  const isOne = row.instances.length === 1 && !hasAsked && task.duration !== null;
  return duration(isOne ? task.duration : Math.round(length / 100) / 10);
}

const MEANINGS = /** @type {const} */ ([
  ["wait", "waiting"],
  ["tried", "earlier attempt"],
  ["delay", "pause between attempts"],
  ["asking", "sensor poking"],
]);

/** What the bars mean that do not speak for themselves. @param {Span[]} spans */
function meaning(spans) {
  const kinds = new Set(spans.map(({ kind }) => kind));
  const shown = MEANINGS.filter(([kind]) => kinds.has(kind));
  if (!shown.length) return null;
  return h(
    "p",
    { class: "legend" },
    shown.map(([kind, text]) =>
      h(
        "span",
        null,
        s(
          "svg",
          { width: 22, height: ROW, class: "swatch", "aria-hidden": "true" },
          bar({ kind, from: 0, until: 20, text }, 0, (time) => time + 1, "failed", false),
        ),
        text,
      ),
    ),
  );
}
