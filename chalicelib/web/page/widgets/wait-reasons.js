// What a run or a task waits for, in the server's words: moments in the viewer's zone, runs as links.
import { h } from "../lib/dom.js";
import { live, moment } from "../lib/format.js";
import { runLink } from "../lib/router.js";

const MOMENT = /\d{4}-\d\d-\d\dT[\d:.]+Z/.source;
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The first reason, for a row of a list; null for what waits for nothing. */
export function briefly(thing) {
  return thing.waiting_for?.length ? sentence(thing.waiting_for[0]) : null;
}

/** One paragraph for each reason; null for what waits for nothing. */
export function waits(thing) {
  const reasons = thing.waiting_for ?? [];
  if (!reasons.length) return null;
  return h(
    "div",
    { class: "waits" },
    reasons.map((reason) => h("p", null, capital(sentence(reason)))),
  );
}

/** The first reason as a text behind `between`, for a label; "" for what waits for nothing. */
export function waitsText(thing, between) {
  return thing.waiting_for?.length ? between + thing.waiting_for[0].message : "";
}

/** Whether the reason of a task says more than what it waits for. */
export function ownReason(task) {
  return task.reason && !task.waiting_for?.some((reason) => reason.message === task.reason);
}

function sentence({ message, holders }) {
  const named = new Map(holders.map((holder) => [holder.run_id, holder]));
  const parts = [MOMENT, ...[...named.keys()].map(escaped)].join("|");
  return message.split(new RegExp(`(${parts})`)).map((text, i) => {
    if (i % 2 === 0) return text;
    const holder = named.get(text);
    if (!holder) return h("span", { title: text }, moment(text), " (", live("in", text), ")");
    const task = { task: holder.task_id, copy: holder.map_index >= 0 ? holder.map_index : null };
    return h("a", { href: runLink(text, task) }, text);
  });
}

function capital([first, ...others]) {
  return [first.charAt(0).toUpperCase() + first.slice(1), ...others, "."];
}
