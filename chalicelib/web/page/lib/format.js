// Times, durations, sizes and counts in words. Pure.

const UNITS = /** @type {const} */ ([
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
]);

/**
 * 4000 becomes "1 h 6 min": two units at most, tenths below ten seconds, milliseconds below a tenth.
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds > 0 && seconds < 0.095) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${Number.isInteger(seconds) ? seconds : seconds.toFixed(1)} s`;
  let rest = Math.round(seconds);
  const parts = [];
  for (const [name, size] of UNITS) {
    const units = Math.floor(rest / size);
    rest -= units * size;
    if (units) parts.push(`${units} ${name}`);
    if (parts.length === 2 || (parts.length && !units)) break;
  }
  return parts.join(" ");
}

/** The largest unit alone: 4000 becomes "1 h". @param {number} seconds */
function roughDuration(seconds) {
  for (const [name, size] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name}`;
  }
  return "0 s";
}

/** @typedef {"ago" | "in" | "since"} Direction */

/**
 * The time between `then` and `now`, both in milliseconds: "3 min ago", "in 3 min 20 s", or "3 min 20 s" since then.
 * @param {Direction} direction
 * @param {number} then
 * @param {number} now
 */
export function relative(direction, then, now) {
  const wholeSeconds = duration(Math.max(0, Math.round(Math.abs(then - now) / 1000)));
  if (direction === "ago") return now - then < 5000 ? "just now" : `${roughDuration((now - then) / 1000)} ago`;
  if (direction === "in") return then - now < 1000 ? "now" : `in ${wholeSeconds}`;
  return now < then ? "0 s" : wholeSeconds;
}

/**
 * "23 Nov 2026, 02:00:00 CET", in the viewer's time zone or in `zone`.
 * @param {string | null | undefined} iso
 * @param {string} [zone]
 */
export function fullTime(iso, zone) {
  if (!iso) return "";
  return new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
    timeZone: zone,
  }).format(new Date(iso));
}

/**
 * "today 14:05", "yesterday 14:05", "12 Nov 14:05".
 * @param {string | null | undefined} iso
 * @param {string} [zone]
 */
export function shortTime(iso, zone) {
  if (!iso) return "";
  const days = Math.round((Date.parse(dayOf(iso, zone)) - Date.parse(dayOf(Date.now(), zone))) / 86_400_000);
  const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
  return `${near ?? shortDate(iso, zone)} ${clockTime(iso, zone)}`;
}

/**
 * "12 Nov".
 * @param {string} iso
 * @param {string} [zone]
 */
export function shortDate(iso, zone) {
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: zone }).format(new Date(iso));
}

/**
 * "14:05".
 * @param {string | number} time
 * @param {string} [zone]
 */
export function clockTime(time, zone) {
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  }).format(new Date(time));
}

/**
 * "2026-11-23": the day of a time in a zone.
 * @param {string | number} time
 * @param {string} [zone]
 */
export function dayOf(time, zone) {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(new Date(time));
}

export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @param {number | null | undefined} size in bytes */
export function bytes(size) {
  if (size === null || size === undefined) return "";
  if (size < 1024) return `${size} B`;
  return size < 1024 ** 2 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 1024 ** 2).toFixed(1)} MiB`;
}

/**
 * "1 task", "3 tasks".
 * @param {number} number
 * @param {string} one
 * @param {string} [many]
 */
export function plural(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

/**
 * The middle value, or null if there is none.
 * @param {readonly (number | null)[]} numbers
 */
export function median(numbers) {
  const sorted = numbers.filter((number) => number !== null).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

/** "0.0120 cents", "about 1.20 USD, estimated". @param {Api.Cost} cost */
export function dollars(cost) {
  const text = cost.dollars < 0.01 ? `${(cost.dollars * 100).toFixed(4)} cents` : `${cost.dollars.toFixed(2)} USD`;
  return cost.basis === "billed" ? text : `about ${text}, ${cost.basis}`;
}

/** At most `most` characters, the end replaced by "…". @param {string} text @param {number} most */
export const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
