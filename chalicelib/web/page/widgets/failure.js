// Why a run failed: the task that failed first, its reason, and the last words of its log.
import { get, segment } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { taskName, taskQuery } from "../lib/failures.js";
import { lastWords } from "../lib/log-text.js";
import { runLink } from "../lib/router.js";

/** @typedef {Pick<Api.TaskInstance, "run_id" | "task_id" | "map_index" | "try_number" | "reason" | "log_bytes">} FailedTask */

const TAIL_BYTES = 3000;
/** @type {Map<string, Promise<string>>} by attempt */
const known = new Map();

/**
 * "transform_us: exit code 3", and the last words of its log as soon as they are fetched.
 * @param {FailedTask} task
 * @param {{ isSmall?: boolean }} [options]
 */
export function failureCause(task, { isSmall = true } = {}) {
  const words = h("span", { class: "mono" });
  wordsOf(task).then((text) => {
    words.textContent = text;
    if (text) words.before(document.createElement("br"));
  });
  const link = h("a", { href: runLink(task.run_id, taskQuery(task)) }, taskName(task));
  return h("span", { class: `cause ${isSmall ? "small" : ""}` }, link, `: ${task.reason || "failed"}`, words);
}

/** @param {FailedTask} task */
function wordsOf(task) {
  const key = `${task.run_id} ${task.task_id} ${task.map_index} ${task.try_number}`;
  const before = known.get(key);
  if (before) return before;
  const words = task.log_bytes ? fetchWords(task, task.log_bytes).catch(() => "") : Promise.resolve("");
  known.set(key, words);
  return words;
}

/** @param {FailedTask} task @param {number} length of the log in bytes */
async function fetchWords(task, length) {
  const offset = Math.max(0, length - TAIL_BYTES);
  const { map_index, try_number } = task;
  const path = /** @type {const} */ (`runs/${segment(task.run_id)}/tasks/${segment(task.task_id)}/logs`);
  const { content } = await get(path, { map_index, try_number, offset });
  return lastWords(content.split("\n").slice(offset ? 1 : 0));
}

/** The cause of a run's failure, or its reason in words. @param {Api.Run} run */
export function runCause(run) {
  if (run.cause) return failureCause({ ...run.cause, run_id: run.run_id });
  return h("span", { class: "cause small" }, run.reason || "failed");
}
