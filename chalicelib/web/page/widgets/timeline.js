// Past, now and planned on one axis: a row for each DAG, a bar for each run.
import { h, s } from "../lib/dom.js";
import { clock, duration, shortMoment } from "../lib/format.js";
import { dagLink, runLink } from "../lib/router.js";
import { word } from "./badge.js";

const NAMES = 190;
const NAMES_ON_PHONES = 104;
const ROW = 28;
const PADDING = 24; // of the box around it, with its border
const HEAD = 24;

/** The DAGs that need it most, `rows` of them, from `span` hours ago to `span` hours ahead. */
export function timeline({ runs, dags, planned, failed, span, rows, width: room }) {
  const now = Date.now();
  const [from, until] = [now - span * 3_600_000, now + span * 3_600_000];
  const width = Math.max(310, room - PADDING);
  const names = width > 600 ? NAMES : NAMES_ON_PHONES;
  const x = (time) => names + ((Math.min(until, Math.max(from, time)) - from) / (until - from)) * (width - names - 10);
  const shown = byNeed(
    runs.filter((run) => end(run, now) > from),
    dags,
    planned,
    failed,
    until,
  ).slice(0, rows);
  const height = HEAD + shown.length * ROW + 6;
  if (!shown.length) return h("p", { class: "empty" }, "Nothing ran or will run in this time.");
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
      ticks(from, until, (width - names) / 80).map((time) => [
        s("line", { class: "axis", x1: x(time), x2: x(time), y1: HEAD - 4, y2: height }),
        x(time) < width - 36
          ? s("text", { class: "quiet", x: x(time) + 3, y: 13 }, clock(new Date(time).toISOString()))
          : null,
      ]),
      s("line", { class: "now", x1: x(now), x2: x(now), y1: HEAD - 8, y2: height }),
      s("text", { class: "quiet", x: x(now) + 3, y: height - 3 }, "now"),
      shown.map((entry, i) => row(entry, HEAD + i * ROW, x, now, names / 7.3)),
    ),
  );
}

const end = (run, now) => (run.ended_at ? Date.parse(run.ended_at) : now);

function byNeed(runs, dags, planned, failed, until) {
  const needs = new Set(failed.map(({ run }) => run.dag_id));
  const entries = new Map();
  const entry = (dagId) => {
    if (!entries.has(dagId)) entries.set(dagId, { dagId, name: dagId, runs: [], planned: [] });
    return entries.get(dagId);
  };
  for (const run of runs) entry(run.dag_id).runs.push(run);
  for (const [dagId, times] of planned) {
    const near = times.map((time) => Date.parse(time)).filter((time) => time < until);
    if (near.length) entry(dagId).planned = near;
  }
  for (const dag of dags) if (entries.has(dag.dag_id)) entries.get(dag.dag_id).name = dag.name;
  const rank = ({ dagId, runs: own, planned: next }) => {
    if (needs.has(dagId)) return 0;
    if (own.some((run) => !run.ended_at)) return 1;
    return next.length ? 2 : 3;
  };
  return [...entries.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function row({ dagId, name, runs, planned }, y, x, now, letters) {
  return s(
    "g",
    null,
    s(
      "a",
      { href: dagLink(dagId) },
      s("title", null, name),
      s("text", { x: 2, y: y + 17 }, name.length > letters ? `${name.slice(0, letters - 1)}…` : name),
    ),
    runs.slice(0, 120).map((run) => bar(run, y, x, now)),
    apart(planned, x).map((time) =>
      s(
        "circle",
        { class: "planned", cx: x(time), cy: y + 13, r: 2.5 },
        s("title", null, `planned ${shortMoment(new Date(time).toISOString())}`),
      ),
    ),
  );
}

/** Of moments that would lie on each other, the first. */
function apart(times, x) {
  let last = -Infinity;
  return times.filter((time) => {
    const isFar = x(time) - last >= 7;
    if (isFar) last = x(time);
    return isFar;
  });
}

function bar(run, y, x, now) {
  const left = x(Date.parse(run.started_at ?? run.created_at));
  const width = Math.max(4, x(end(run, now)) - left);
  const label = `${run.dag_id} ${word(run.state)}, ${shortMoment(run.started_at ?? run.created_at)}${run.duration !== null ? `, ${duration(run.duration)}` : ""}`;
  const isFailed = run.state === "failed";
  return s(
    "a",
    { href: runLink(run.run_id), "aria-label": label },
    s("title", null, label),
    s("rect", {
      class: `f-${run.state}`,
      x: left,
      y: y + (isFailed ? 3 : 6),
      width,
      height: isFailed ? 20 : 14,
      rx: 2,
    }),
  );
}

function ticks(from, until, most) {
  const hour = 3_600_000;
  const step =
    [hour / 4, hour, hour * 2, hour * 6, hour * 12].find((size) => (until - from) / size <= most) ?? hour * 24;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((until - first) / step) + 1 }, (_, i) => first + i * step);
}
