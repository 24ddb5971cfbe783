// The log of an attempt, fetched part by part while it is written.
import { ApiError, get, messageOf, segment } from "./api.js";

const LIVE_MS = 2000;
const HIDDEN_FACTOR = 15; // while nobody sees the page

/** @typedef {{ try_number: number, poke: number | null }} LogKey poke: of a sensor; null for the latest */
/** @typedef {{ lines: string[], isFirst: boolean, isComplete: boolean, error?: string }} LogPart */

/**
 * Whole lines as they come, until the log is complete or `signal` aborts. A part with an `error` has no
 * lines; unless it is complete, it is tried again.
 * @param {Api.TaskInstance} task
 * @param {LogKey} key
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<LogPart, void>}
 */
export async function* logParts(task, key, signal) {
  const path = /** @type {const} */ (`runs/${segment(task.run_id)}/tasks/${segment(task.task_id)}/logs`);
  let [offset, rest] = [0, ""];
  while (!signal.aborted) {
    let part;
    try {
      part = await get(path, { map_index: task.map_index, ...key, offset }, signal);
    } catch (error) {
      if (signal.aborted) return;
      const isMissing = error instanceof ApiError && error.status === 404;
      yield { lines: [], isFirst: offset === 0, isComplete: isMissing, error: messageOf(error) };
      if (isMissing) return;
      await pause(2 * LIVE_MS, signal);
      continue;
    }
    const lines = (rest + part.content).split("\n");
    rest = lines.pop() ?? "";
    if (part.complete && rest) lines.push(rest);
    yield { lines, isFirst: offset === 0, isComplete: part.complete };
    if (part.complete) return;
    offset = part.next_offset;
    if (!part.content) await pause(LIVE_MS, signal);
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds * (document.hidden ? HIDDEN_FACTOR : 1));
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
