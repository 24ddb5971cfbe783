// States as people see them: a mark, a word and a colour class, so that colour never stands alone.
import { h } from "../lib/dom.js";

const TABLE = {
  success: ["✓", "succeeded"],
  failed: ["✕", "failed"],
  running: ["▶", "running"],
  queued: ["◔", "queued"],
  scheduled: ["◔", "waiting for a slot"],
  up_for_retry: ["↻", "will be tried again"],
  up_for_reschedule: ["◷", "will be asked again"],
  upstream_failed: ["⊘", "blocked"],
  skipped: ["»", "skipped"],
  cancelled: ["■", "cancelled"],
  none: ["·", "not yet"],
  done: ["✓", "done"],
  paused: ["‖", "paused"],
  ok: ["✓", "ok"],
  degraded: ["!", "degraded"],
  pending: ["◔", "on its way"],
  delivered: ["✓", "delivered"],
  lost: ["?", "lost"],
  timeout: ["✕", "timed out"],
  removed: ["–", "no longer in the file"],
};

/** Attempts may differ from their task: a retried one has failed. */
export function mark(state) {
  return TABLE[state]?.[0] ?? "?";
}
export function word(state) {
  return TABLE[state]?.[1] ?? String(state).replaceAll("_", " ");
}

export function badge(state, text = word(state)) {
  return h(
    "span",
    { class: `badge s-${state}` },
    h("span", { "aria-hidden": "true", class: "mark" }, mark(state)),
    text,
  );
}

export const ENDED = new Set(["success", "failed", "upstream_failed", "skipped", "cancelled"]);
export const isActive = (state) => state === "running" || state === "queued";

/** What one look shows of many copies: the state that asks most for attention. */
const NEED = [
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
export function worst(states) {
  return NEED.find((state) => states.includes(state)) ?? "none";
}

/** How many task instances are in which state, in words: "3 succeeded, 1 failed". */
export function tally(copies) {
  return Object.entries(Object.groupBy(copies, (task) => task.state))
    .map(([state, some]) => `${some.length} ${word(state)}`)
    .join(", ");
}
