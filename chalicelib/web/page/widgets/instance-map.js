// All mapped instances of a task as a map: a cell for each, with its state.
import { h } from "../lib/dom.js";
import { duration } from "../lib/format.js";
import { linkHere } from "../lib/router.js";
import { countsText } from "../lib/task-counts.js";
import { mark, mostUrgent, toneClass, word } from "../lib/vocabulary.js";

const MOST = 400; // cells

/**
 * Null for a task that has one instance.
 * @param {readonly Api.TaskInstance[]} instances by their index
 * @param {Api.TaskInstance} chosen
 */
export function instanceMap(instances, chosen) {
  if (instances.length < 2) return null;
  const cells = shownOf(instances).map((task) => cell(task, task.map_index === chosen.map_index));
  const cut = instances.length > MOST ? `, ${MOST} of them here, the most urgent first` : "";
  return h(
    "div",
    { class: "instance-map" },
    h(
      "p",
      { class: "quiet" },
      `${instances.length} mapped instances: ${countsText(instances.map((task) => task.state))}${cut}`,
    ),
    h(
      "div",
      { class: "cells", id: "instance-map", role: "group", "aria-label": "Mapped instances", "data-scroll": true },
      cells,
    ),
  );
}

/** @param {readonly Api.TaskInstance[]} instances */
function shownOf(instances) {
  if (instances.length <= MOST) return instances;
  const byState = Map.groupBy(instances, (task) => task.state);
  /** @type {Api.TaskInstance[]} */
  const ordered = [];
  const states = new Set(byState.keys());
  while (states.size) {
    const state = mostUrgent([...states]);
    ordered.push(...(byState.get(state) ?? []));
    if (!states.delete(state)) break;
  }
  return ordered.slice(0, MOST);
}

/** @param {Api.TaskInstance} task @param {boolean} isChosen */
function cell(task, isChosen) {
  const took = task.duration === null ? "" : ` after ${duration(task.duration)}`;
  const label = `[${task.map_index}] ${word(task.state)}${took}`;
  return h(
    "a",
    {
      class: `cell ${toneClass(task.state)}`,
      href: linkHere({ task: task.task_id, map_index: task.map_index, try: null, poke: null }),
      id: `m-${task.map_index}`,
      title: label,
      "aria-label": label,
      "aria-current": isChosen ? "true" : null,
    },
    mark(task.state),
  );
}
