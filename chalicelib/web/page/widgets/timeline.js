// Past and upcoming runs on one axis: a row for each DAG, a bar for each run, a dot for each fire time.
import { spaced, timelineTicks } from "../lib/charts.js";
import { h, s } from "../lib/dom.js";
import { clockTime, duration, shortTime, shortened } from "../lib/format.js";
import { dagLink, runLink } from "../lib/router.js";
import { runLook, runWord, toneClass } from "../lib/vocabulary.js";

const NAMES = 190;
const NAMES_ON_PHONES = 104;
const LETTER = 7.3;
const ROW = 28;
const PADDING = 24; // of the box around it, with its border
const HEAD = 24;
const TICK_PIXELS = 80;
const DOT_PIXELS = 7;
const MOST_RUNS = 120; // in a row
const HOUR_MS = 3_600_000;

/**
 * @typedef {object} TimelineData
 * @property {Api.DagActivity[]} dags with their latest runs
 * @property {Map<string, string[]>} fireTimes the next ones, by DAG
 * @property {(dagId: string) => string} nameOf
 */
/** @typedef {{ dagId: string, name: string, runs: readonly Api.RecentRun[], fireTimes: number[], isFailing: boolean }} Row */
/** @typedef {{ now: number, from: number, until: number, x: (time: number) => number, letters: number }} Scale */

/**
 * @param {TimelineData} data
 * @param {{ hours: number, rows: number, width: number }} size hours before and after now; rows at most; width of the room in pixels
 */
export function timeline(data, { hours, rows: mostRows, width: room }) {
  const now = Date.now();
  const [from, until] = [now - hours * HOUR_MS, now + hours * HOUR_MS];
  const width = Math.max(310, room - PADDING);
  const names = width > 600 ? NAMES : NAMES_ON_PHONES;
  /** @param {number} time */
  const x = (time) => names + ((Math.min(until, Math.max(from, time)) - from) / (until - from)) * (width - names - 10);
  const rows = rowsByUrgency(data, { now, from, until }).slice(0, mostRows);
  if (!rows.length) return h("p", { class: "empty" }, "No runs in this period.");
  const height = HEAD + rows.length * ROW + 6;
  const scale = { now, from, until, x, letters: names / LETTER };
  return h(
    "div",
    {
      class: "box",
      id: "timeline",
      "data-scroll": true,
      tabindex: 0,
      role: "group",
      "aria-label": "Runs by DAG over time",
    },
    s(
      "svg",
      { width, height },
      timelineTicks(from, until, (width - names) / TICK_PIXELS).map((time) => [
        s("line", { class: "axis", x1: x(time), x2: x(time), y1: HEAD - 4, y2: height }),
        x(time) < width - 36 ? s("text", { class: "quiet", x: x(time) + 3, y: 13 }, clockTime(time)) : null,
      ]),
      s("line", { class: "now", x1: x(now), x2: x(now), y1: HEAD - 8, y2: height }),
      s("text", { class: "quiet", x: x(now) + 3, y: height - 3 }, "now"),
      rows.map((row, i) => rowOf(row, HEAD + i * ROW, scale)),
    ),
  );
}

/** @param {Api.RecentRun} run @param {number} now */
const endOf = (run, now) => (run.ended_at ? Date.parse(run.ended_at) : now);

/**
 * The DAGs with a run or a fire time in the period: failures first, then what runs, then what is due.
 * @param {TimelineData} data
 * @param {{ now: number, from: number, until: number }} period
 */
function rowsByUrgency({ dags, fireTimes, nameOf }, { now, from, until }) {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  for (const { dag_id: dagId, name, recent_runs: recent, open_failure: failure } of dags) {
    const runs = recent.filter((run) => endOf(run, now) > from);
    if (runs.length) rows.set(dagId, { dagId, name, runs, fireTimes: [], isFailing: failure !== null });
  }
  for (const [dagId, times] of fireTimes) {
    const near = times.map((time) => Date.parse(time)).filter((time) => time < until);
    const row = rows.get(dagId) ?? { dagId, name: nameOf(dagId), runs: [], fireTimes: [], isFailing: false };
    if (near.length) rows.set(dagId, { ...row, fireTimes: near });
  }
  /** @param {Row} row */
  const rank = (row) => {
    if (row.isFailing) return 0;
    if (row.runs.some((run) => !run.ended_at)) return 1;
    return row.fireTimes.length ? 2 : 3;
  };
  return [...rows.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

/** @param {Row} row @param {number} y @param {Scale} scale */
function rowOf({ dagId, name, runs, fireTimes }, y, scale) {
  const { x, letters } = scale;
  return s(
    "g",
    null,
    s(
      "a",
      { href: dagLink(dagId) },
      s("title", null, name),
      s("text", { x: 2, y: y + 17 }, shortened(name, Math.floor(letters))),
    ),
    runs.slice(0, MOST_RUNS).map((run) => bar(run, name, y, scale)),
    spaced(fireTimes, x, DOT_PIXELS).map((time) =>
      s(
        "circle",
        { class: "planned", cx: x(time), cy: y + 13, r: 2.5 },
        s("title", null, `due ${shortTime(new Date(time).toISOString())}`),
      ),
    ),
  );
}

/** @param {Api.RecentRun} run @param {string} name @param {number} y @param {Scale} scale */
function bar(run, name, y, { x, now }) {
  const begin = run.started_at ?? run.created_at;
  const left = x(Date.parse(begin));
  const took = run.duration === null ? "" : `, ${duration(run.duration)}`;
  const label = `${name} ${runWord(run)}, ${shortTime(begin)}${took}`;
  const isFailed = run.state === "failed";
  return s(
    "a",
    { href: runLink(run.run_id), "aria-label": label },
    s("title", null, label),
    s("rect", {
      class: `fill ${toneClass(runLook(run))}`,
      x: left,
      y: y + (isFailed ? 3 : 6),
      width: Math.max(4, x(endOf(run, now)) - left),
      height: isFailed ? 20 : 14,
      rx: 2,
    }),
  );
}
