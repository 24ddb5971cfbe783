// Times, durations and sizes in words. All functions are pure, but for `tickTimes`.
import { h } from "./dom.js";

const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** 4000 → "1 h 6 min"; two units at most; below ten seconds with a tenth, below a tenth in ms. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds > 0 && seconds < 0.095) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${Number.isInteger(seconds) ? seconds : seconds.toFixed(1)} s`;
  let rest = Math.round(seconds);
  const parts = [];
  for (const [name, size] of UNITS) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole) parts.push(`${whole} ${name}`);
    if (parts.length === 2 || (parts.length && !whole)) break;
  }
  return parts.join(" ");
}

const now = () => Date.now();
const wholeSeconds = (seconds) => duration(Math.max(0, Math.round(seconds)));

const LIVE = {
  ago: (then) => (now() - then < 5000 ? "just now" : `${coarse((now() - then) / 1000)} ago`),
  in: (then) => (then - now() < 1000 ? "now" : `in ${wholeSeconds((then - now()) / 1000)}`),
  since: (then) => wholeSeconds((now() - then) / 1000),
};

function coarse(seconds) {
  for (const [name, size] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  }
  return "0 s";
}

/** A moment that is told relative to now and goes on: kind is ago, in or since. */
export function live(kind, iso) {
  if (!iso) return "";
  const then = Date.parse(iso);
  return h("time", { datetime: iso, title: moment(iso), "data-live": kind, "data-then": then }, LIVE[kind](then));
}

/** Once a second, while somebody looks. */
export function tickTimes() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-live]")) {
    const text = LIVE[element.dataset.live](Number(element.dataset.then));
    if (element.textContent !== text) element.textContent = text;
  }
}

/** In the viewer's zone, or in `zone`. */
export function moment(iso, zone) {
  if (!iso) return "";
  const options = {
    year: "numeric",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  };
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }).format(new Date(iso));
}

/** "today 14:05", "yesterday 14:05", "12 Nov 14:05". */
export function shortMoment(iso, zone) {
  if (!iso) return "";
  const at = new Date(iso);
  const day = (date) => new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(date);
  const time = clock(iso, zone);
  const apart = Math.round((Date.parse(day(at)) - Date.parse(day(new Date()))) / 86400000);
  const names = { 0: "today", "-1": "yesterday", 1: "tomorrow" };
  return `${names[apart] ?? new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: zone }).format(at)} ${time}`;
}

export function clock(iso, zone) {
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  }).format(new Date(iso));
}

export function bytes(size) {
  if (size === null || size === undefined) return "";
  if (size < 1024) return `${size} B`;
  return size < 1024 ** 2 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 1024 ** 2).toFixed(1)} MiB`;
}

export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/** The middle value of numbers, null of none. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

const HOW = { scheduled: "on schedule", manual: "by hand", backfill: "by a backfill", triggered: "by another DAG" };
export const how = (run) => HOW[run.run_type] ?? run.run_type;

export function dollars(cost) {
  const text = cost.dollars < 0.01 ? `${(cost.dollars * 100).toFixed(4)} cents` : `${cost.dollars.toFixed(2)} USD`;
  return cost.basis === "billed" ? text : `about ${text}, ${cost.basis}`;
}
