// What a run or a task waits for, in the API's words, with times in the viewer's zone and runs as links.
import { h } from "../lib/dom.js";
import { taskQuery } from "../lib/failures.js";
import { fullTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { runLink } from "../lib/router.js";

/** @typedef {{ waiting_for?: Api.WaitingFor[] | null }} Waiting */
/** @typedef {import("../lib/dom.js").Child} Child */

const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/.source;
/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The first reason, for a row of a list; null for what waits for nothing. @param {Waiting} thing */
export function firstReason(thing) {
  return thing.waiting_for?.length ? sentence(thing.waiting_for[0]) : null;
}

/** The first reason as plain text after `separator`, "" for what waits for nothing. @param {Waiting} thing @param {string} separator */
export function reasonText(thing, separator) {
  return thing.waiting_for?.length ? separator + thing.waiting_for[0].message : "";
}

/** Whether a machine for the task is being started. @param {Waiting} task */
export function isStarting(task) {
  return Boolean(task.waiting_for?.some((reason) => reason.code === "starting"));
}

/** One paragraph for each reason; null for what waits for nothing. @param {Waiting} thing */
export function allReasons(thing) {
  const reasons = thing.waiting_for ?? [];
  if (!reasons.length) return null;
  return h(
    "div",
    { class: "waits" },
    reasons.map((reason) => h("p", null, capitalised(sentence(reason)), ".")),
  );
}

/** Whether the reason of a task says more than what it waits for. @param {Api.TaskInstance} task */
export function hasOwnReason(task) {
  return Boolean(task.reason) && !task.waiting_for?.some((reason) => reason.message === task.reason);
}

/** @param {Api.WaitingFor} reason @returns {Child[]} */
function sentence({ message, holders }) {
  const byRun = new Map(holders.map((holder) => [holder.run_id, holder]));
  const parts = [TIME, ...[...byRun.keys()].map(escaped)].join("|");
  return message.split(new RegExp(`(${parts})`)).map((text, i) => {
    if (i % 2 === 0) return text;
    const holder = byRun.get(text);
    const direction = Date.parse(text) > Date.now() ? "in" : "ago";
    if (!holder) return h("span", { title: text }, fullTime(text), " (", liveTime(direction, text), ")");
    return h("a", { href: runLink(text, taskQuery(holder)) }, text);
  });
}

/** @param {Child[]} sentence @returns {Child[]} */
function capitalised([first, ...rest]) {
  return [typeof first === "string" ? first.charAt(0).toUpperCase() + first.slice(1) : first, ...rest];
}
