// Times on the clock of any zone, as fields for date and time hold them. Pure.

const DAY_MS = 86_400_000;

/** "2026-11-23T02:00:00": what the clock of a zone shows. @param {number} time @param {string} zone */
export function wallClock(time, zone) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(new Date(time));
  /** @param {string} type */
  const part = (type) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}:${part("second")}`;
}

/**
 * The time at which the clock of a zone shows this. Of two such times it is the first; a time that the clock skips is
 * as far behind the gap as it is behind the beginning of the gap.
 * @param {string} wall
 * @param {string} zone
 */
export function instantOf(wall, zone) {
  const asUtc = Date.parse(`${wall}${wall.length === 16 ? ":00" : ""}Z`);
  /** @param {number} time */
  const offset = (time) => Date.parse(`${wallClock(time, zone)}Z`) - time;
  const candidates = [asUtc - offset(asUtc - DAY_MS), asUtc - offset(asUtc + DAY_MS)].sort((a, b) => a - b);
  return candidates.find((time) => time + offset(time) === asUtc) ?? candidates[1];
}

/** @typedef {{ from: string, to: string }} Range on the clock of a zone */

/** The last days up to now, today included. @param {number} days @param {number} now @param {string} zone @returns {Range} */
export function lastDays(days, now, zone) {
  const today = Date.parse(`${wallClock(now, zone).slice(0, 10)}T00:00:00Z`);
  return { from: new Date(today - (days - 1) * DAY_MS).toISOString().slice(0, 19), to: wallClock(now, zone) };
}

/** A whole month, or what has passed of it. @param {string} month such as "2026-11" @param {number} now @param {string} zone @returns {Range} */
export function wholeMonth(month, now, zone) {
  const [year, number] = month.split("-").map(Number);
  const end = new Date(Date.UTC(year, number, 1) - 1000).toISOString().slice(0, 19);
  const clock = wallClock(now, zone);
  return { from: `${month}-01T00:00:00`, to: end < clock ? end : clock };
}

/** This month or an earlier one. @param {number} back @param {number} now @param {string} zone */
export function monthBefore(back, now, zone) {
  const [year, number] = wallClock(now, zone).split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 - back, 1)).toISOString().slice(0, 7);
}
