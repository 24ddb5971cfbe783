// The footer: whether the orchestrator works, its last tick, its queues, and what needs attention.
import { get } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { mark, word } from "../lib/vocabulary.js";

/** @param {HTMLElement} box @param {AbortSignal} signal */
export async function drawHealth(box, signal) {
  const health = await get("health", {}, signal);
  const { status, last_tick: tick, queues } = health;
  if (!queues) return show(box); // somebody who may not see more
  const state = `${mark(status)} ${capitalised(word(status))}`;
  const parts = [
    h("span", { class: status === "ok" ? "" : "bad" }, state),
    h("a", { href: "#/ticks" }, "last tick ", tick ? liveTime("ago", tick.started_at) : "never"),
    `${depth(queues.tasks, "task")} and ${depth(queues.results, "result")} queued`,
    health.set_aside
      ? h("span", { class: "bad" }, `${plural(health.set_aside, "message")} could not be processed`)
      : null,
    health.import_errors
      ? h("a", { href: "#/errors", class: "bad" }, plural(health.import_errors, "import error"))
      : null,
  ];
  show(
    box,
    parts.filter((part) => part !== null).map((part) => h("span", null, part)),
  );
}

/** @param {Api.QueueDepth | null} queue null if it does not answer @param {string} name */
function depth(queue, name) {
  return queue ? plural(queue.visible + queue.delayed + queue.in_flight, name) : `an unknown number of ${name}s`;
}

/** @param {string} text */
const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);
