// How many tasks or mapped instances are in which state, in the fewest words. Pure.
import { TASK_STATES, toneClass, word } from "./vocabulary.js";

/** @typedef {{ words: string, tone: string, number: number }} Count tone: a class */

const WAITING = new Set(["scheduled", "queued", "up_for_retry", "up_for_reschedule"]);
const ORDER = ["failed", "running", "waiting", ...TASK_STATES.filter((state) => state !== "success"), "success"];

/** What needs attention most comes first. @param {readonly string[]} states @returns {Count[]} */
export function countsOf(states) {
  /** @type {Map<string, Count>} */
  const counts = new Map();
  for (const state of states) {
    const kind = WAITING.has(state) ? "waiting" : state;
    const count = counts.get(kind) ?? {
      words: kind === "waiting" ? kind : word(kind),
      tone: toneClass(state),
      number: 0,
    };
    count.number += 1;
    counts.set(kind, count);
  }
  return [...counts].sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b)).map(([, count]) => count);
}

/**
 * Such as "3 running, 5 waiting"; of what is longer than `most` letters, the first counts.
 * @param {readonly string[]} states
 * @param {number} [most]
 */
export function countsText(states, most = Infinity) {
  const parts = countsOf(states).map(({ number, words }) => `${number} ${words}`);
  const all = parts.join(", ");
  while (parts.length > 1 && parts.join(", ").length + 3 > most) parts.pop();
  return all.length <= most ? all : `${parts.join(", ")}, …`;
}
