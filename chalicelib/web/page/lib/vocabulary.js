// The words of the page for the closed sets of the API: states with their mark, word and tone, kinds of run,
// events. A tone is a colour of style.css; since a mark and a word stand beside it, colour never says anything alone. Pure.

import { plural } from "./format.js";

/** @typedef {Api.Run["state"]} RunState */
/** @typedef {Api.TaskInstance["state"]} TaskState */
/** @typedef {"good" | "bad" | "active" | "waiting" | "idle" | "empty"} Tone */
/** @typedef {{ mark: string, word: string, tone: Tone }} Look */
/**
 * @typedef {RunState | TaskState | Api.EndedAttempt["outcome"] | Api.Backfill["state"] | Api.Notification["state"]
 *   | Api.Health["status"] | "removed" | "partial"} State
 */

/** @type {Record<State, Look>} */
const LOOKS = {
  none: { mark: "·", word: "not started", tone: "empty" },
  scheduled: { mark: "◔", word: "waiting for a slot", tone: "waiting" },
  queued: { mark: "◔", word: "queued", tone: "waiting" },
  running: { mark: "▶", word: "running", tone: "active" },
  success: { mark: "✓", word: "succeeded", tone: "good" },
  failed: { mark: "✕", word: "failed", tone: "bad" },
  up_for_retry: { mark: "↻", word: "waiting to retry", tone: "waiting" },
  up_for_reschedule: { mark: "◷", word: "waiting to check again", tone: "waiting" },
  upstream_failed: { mark: "⊘", word: "upstream failed", tone: "idle" },
  skipped: { mark: "»", word: "skipped", tone: "idle" },
  cancelled: { mark: "■", word: "cancelled", tone: "idle" },
  timeout: { mark: "✕", word: "timed out", tone: "bad" },
  lost: { mark: "?", word: "lost", tone: "bad" },
  paused: { mark: "‖", word: "paused", tone: "waiting" },
  done: { mark: "✓", word: "done", tone: "good" },
  pending: { mark: "◔", word: "pending", tone: "waiting" },
  delivered: { mark: "✓", word: "delivered", tone: "good" },
  ok: { mark: "✓", word: "healthy", tone: "good" },
  degraded: { mark: "!", word: "degraded", tone: "bad" },
  partial: { mark: "!", word: "succeeded, a task failed", tone: "waiting" },
  removed: { mark: "–", word: "no longer in the file", tone: "idle" },
};
/** @type {Look} */
const UNKNOWN = { mark: "?", word: "", tone: "idle" };

/** @type {RunState[]} */
export const RUN_STATES = ["queued", "running", "success", "failed", "cancelled"];
/** @type {TaskState[]} */
export const TASK_STATES = [
  "success",
  "failed",
  "running",
  "queued",
  "scheduled",
  "up_for_retry",
  "up_for_reschedule",
  "upstream_failed",
  "skipped",
  "cancelled",
  "none",
];
/** @type {Api.Notification["state"][]} */
export const NOTIFICATION_STATES = ["pending", "delivered", "failed"];

/** The states whose colour a chart shows: one for each tone and each word that a reader may not guess. @type {TaskState[]} */
export const TASK_LEGEND = TASK_STATES.filter((state) => state !== "scheduled" && state !== "up_for_reschedule");
/** @type {RunState[]} */
export const RUN_LEGEND = ["success", "failed", "running", "queued", "cancelled"];

/** The state that needs attention most comes first. @type {TaskState[]} */
const BY_URGENCY = [
  "failed",
  "running",
  "up_for_retry",
  "up_for_reschedule",
  "queued",
  "scheduled",
  "cancelled",
  "upstream_failed",
  "none",
  "skipped",
  "success",
];
const FINAL = new Set(["success", "failed", "upstream_failed", "skipped", "cancelled"]);

/** @param {string} state */
const look = (state) => LOOKS[/** @type {State} */ (state)] ?? UNKNOWN;

/** @param {string} state */
export const mark = (state) => look(state).mark;

/** @param {string} state */
export const word = (state) => look(state).word || state.replaceAll("_", " ");

/** The class that gives an element the colours of a state. @param {string} state */
export const toneClass = (state) => `tone-${look(state).tone}`;

/** @typedef {{ state: RunState, failed_tasks: number }} RunResult */

/** The state under which a run is shown: a success is only partial if a task of it failed. @param {RunResult} run */
export const runLook = ({ state, failed_tasks: failed }) => (state === "success" && failed ? "partial" : state);

/** "succeeded, 1 task failed". @param {RunResult} run */
export const runWord = (run) =>
  runLook(run) === "partial" ? `${word(run.state)}, ${plural(run.failed_tasks, "task")} failed` : word(run.state);

/** Whether a task instance in this state has ended. @param {string} state */
export const isFinal = (state) => FINAL.has(state);

/** Whether a run in this state has not ended yet. @param {string} state */
export const isActive = (state) => state === "running" || state === "queued";

/**
 * The one state that stands for many: that which needs attention most.
 * @param {readonly string[]} states
 * @returns {TaskState}
 */
export const mostUrgent = (states) => BY_URGENCY.find((state) => states.includes(state)) ?? "none";

/**
 * How many things are in which state: "3 succeeded, 1 failed".
 * @param {readonly string[]} states
 */
export function tally(states) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, number]) => `${number} ${word(state)}`).join(", ");
}

/** @type {Record<Api.Run["run_type"], string>} */
const RUN_TYPES = {
  scheduled: "on schedule",
  manual: "manually",
  backfill: "by a backfill",
  triggered: "by another DAG",
};

/** The types of runs with their words, for a drop-down. @returns {[string, string][]} */
export const runTypeOptions = () => Object.entries(RUN_TYPES).map(([type, text]) => [type, `Started ${text}`]);

/** What started a run. @param {{ run_type: Api.Run["run_type"] }} run */
export const startedBy = (run) => RUN_TYPES[run.run_type] ?? run.run_type;

/** @type {Record<Api.Notification["event"], string>} */
const EVENTS = {
  success: "Success",
  partial_success: "Success with failed tasks",
  failure: "Failure",
  retry: "Retry",
  broken_file: "Broken file",
  failing_tick: "Failing tick",
  dead_letter: "Message set aside",
  resolved: "Problem solved",
};

/** @param {Api.Notification["event"]} event */
export const eventText = (event) => EVENTS[event] ?? event;
