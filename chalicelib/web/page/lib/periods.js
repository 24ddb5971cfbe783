// Ranges of days in the viewer's time zone, as filters name them. Pure.

/** @typedef {{ id: string, label: string, from: string, to: string }} Period its first and last day: "2026-11-28" */

const DAY = /^\d{4}-\d\d-\d\d$/;

/** The periods that a list offers. @param {Date} now @returns {Period[]} */
export function periods(now) {
  const today = dayOf(now, 0);
  const yesterday = dayOf(now, -1);
  return [
    { id: "today", label: "Today", from: today, to: today },
    { id: "yesterday", label: "Yesterday", from: yesterday, to: yesterday },
    { id: "week", label: "Last 7 days", from: dayOf(now, -6), to: today },
    { id: "month", label: "Last 30 days", from: dayOf(now, -29), to: today },
  ];
}

/** The day that is `days` after that of `now`. @param {Date} now @param {number} days */
function dayOf(now, days) {
  const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** `text` if it is a day, else "". @param {string | null} text */
export function dayText(text) {
  return text && DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : "";
}

/**
 * The first and the last moment of a range of days, for the API; null where the range is open.
 * @param {string | null} from
 * @param {string | null} to
 */
export function rangeOf(from, to) {
  /** @param {string | null} day @param {string} time */
  const moment = (day, time) => (dayText(day) ? new Date(`${day}T${time}`).toISOString() : null);
  return { from: moment(from, "00:00:00"), to: moment(to, "23:59:59.999") };
}
