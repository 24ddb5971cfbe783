// Scales and axes of charts. Pure.
import { median } from "./format.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIMELINE_STEPS = [HOUR / 4, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR];
const GANTT_STEPS = [
  SECOND / 2,
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  6 * HOUR,
];

/**
 * The duration at the top of a chart of runs: the longest, but at most three times the median, so that one
 * long run doesn't flatten the others.
 * @param {readonly { duration: number | null }[]} runs
 */
export function topDuration(runs) {
  const durations = runs.map((run) => run.duration).filter((value) => value !== null);
  return Math.min(Math.max(...durations, 1), Math.max(1, (median(durations) ?? 1) * 3));
}

/**
 * The height of a run's bar; a run that has not ended has the highest.
 * @param {{ duration: number | null }} run
 * @param {number} top of the scale in seconds
 * @param {{ least: number, most: number }} pixels
 */
export function barHeight({ duration }, top, { least, most }) {
  return Math.max(least, Math.min(1, (duration ?? top) / top) * most);
}

/**
 * Round times of day between two times, `most` at most.
 * @param {number} from
 * @param {number} until
 * @param {number} most
 */
export function timelineTicks(from, until, most) {
  const step = TIMELINE_STEPS.find((size) => (until - from) / size <= most) ?? DAY;
  const first = Math.ceil(from / step) * step;
  return steps(first, until, step);
}

/**
 * Times at round distances from the first, at most six.
 * @param {number} from
 * @param {number} until
 */
export function ganttTicks(from, until) {
  return steps(from, until, GANTT_STEPS.find((size) => (until - from) / size <= 5) ?? DAY);
}

/** @param {number} first @param {number} until @param {number} step */
const steps = (first, until, step) =>
  Array.from({ length: Math.max(0, Math.floor((until - first) / step) + 1) }, (_, i) => first + i * step);

/**
 * Of times in ascending order, those that are drawn at least `distance` pixels after the one before.
 * @param {readonly number[]} times
 * @param {(time: number) => number} x
 * @param {number} distance
 */
export function spaced(times, x, distance) {
  let last = -Infinity;
  return times.filter((time) => {
    const isFar = x(time) - last >= distance;
    if (isFar) last = x(time);
    return isFar;
  });
}
