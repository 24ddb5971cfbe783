// The tasks of a run in topological order, each with the reason for its state. Mapped instances are folded.
import { button, empty, h, searchField, typedInto } from "../lib/dom.js";
import { taskName, taskQuery } from "../lib/failures.js";
import { duration, plural } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, linkHere, setQuery } from "../lib/router.js";
import { countsText } from "../lib/task-counts.js";
import { mostUrgent } from "../lib/vocabulary.js";
import { badge } from "./badge.js";
import { firstReason, hasOwnReason, isStarting } from "./wait-reasons.js";

const MOST = 200;
const STEP = 500;
const FEW = 20; // tasks that can be searched with the eyes

/** @typedef {{ chosen: Api.TaskInstance | null }} Selection */

/** @param {Api.TaskInstance[]} tasks @param {Selection} selection */
export function taskList(tasks, selection) {
  if (!tasks.length) return empty("This run has no tasks yet.");
  const { query } = currentRoute();
  const all = [...Map.groupBy(tasks, (task) => task.task_id).values()];
  const wanted = (query.get("find") ?? "").toLowerCase();
  const groups = all.filter(([task]) => task.task_id.toLowerCase().includes(wanted));
  const most = Number(query.get("list")) || MOST;
  const items = (groups.length > most ? failedFirst(groups) : groups)
    .slice(0, most)
    .map((group) => (group.length === 1 ? item(group[0], selection) : mappedItem(group, selection)));
  const rest = groups.length - most;
  const label = `Show ${Math.min(rest, STEP)} more of ${groups.length}`;
  return [
    all.length > FEW ? finder() : null,
    items.length ? h("ul", { class: "list card tasklist" }, items) : empty("No task id contains this text."),
    rest > 0
      ? h(
          "p",
          null,
          button(label, () => setQuery({ list: most + STEP }), { id: "more-tasks" }),
        )
      : null,
  ];
}

/** Task instances that the run's version of the file no longer has. @param {Api.TaskInstance[]} tasks @param {Selection} selection */
export function removedTasks(tasks, selection) {
  if (!tasks.length) return null;
  const items = tasks.slice(0, MOST).map((task) => item(task, selection));
  return h(
    "details",
    { id: "history", open: tasks.some((task) => task === selection.chosen) },
    h("summary", null, `No longer in the file: ${plural(tasks.length, "task")}`),
    h("ul", { class: "list card tasklist" }, items),
    tasks.length > MOST ? h("p", { class: "quiet" }, `The first ${MOST} of ${tasks.length}.`) : null,
  );
}

/** @param {Api.TaskInstance[][]} groups */
function failedFirst(groups) {
  /** @param {Api.TaskInstance[]} group */
  const hasFailed = (group) => group.some((task) => task.state === "failed");
  return [...groups.filter(hasFailed), ...groups.filter((group) => !hasFailed(group))];
}

function finder() {
  const value = typedInto("find-task") || (currentRoute().query.get("find") ?? "");
  const attributes = { id: "find-task", placeholder: "Find a task", "aria-label": "Find a task", value };
  return h(
    "p",
    null,
    searchField(attributes, (find) => setQuery({ find, list: null })),
  );
}

/** @param {Api.TaskInstance} task @param {Selection} selection */
function item(task, { chosen }) {
  const isChosen = chosen?.task_id === task.task_id && chosen.map_index === task.map_index;
  const name = taskName(task);
  const link = h(
    "a",
    {
      href: linkHere({ ...taskQuery(task), try: null, poke: null }),
      "data-item": true,
      id: `t-${name}`,
      title: name,
      "aria-current": isChosen ? "true" : null,
    },
    name,
  );
  const isWaiting = task.waiting_for?.some((reason) => reason.code !== "run_not_started");
  return h(
    "li",
    null,
    h(
      "div",
      { class: "row" },
      link,
      task.try_number > 1 ? h("span", { class: "quiet" }, `try ${task.try_number}`) : null,
      h("span", { class: "end quiet" }, timeTaken(task)),
      badge(task.state, isStarting(task) ? "starting" : undefined),
    ),
    hasOwnReason(task) ? h("div", { class: "quiet reason" }, task.reason) : null,
    isWaiting ? h("div", { class: "quiet reason" }, firstReason(task)) : null,
  );
}

/** @param {Api.TaskInstance} task */
function timeTaken(task) {
  if (task.duration !== null) return duration(task.duration);
  if (isStarting(task)) return liveTime("since", task.queued_at);
  return task.state === "running" ? liveTime("since", task.started_at) : "";
}

/** @param {Api.TaskInstance[]} instances @param {Selection} selection */
function mappedItem(instances, selection) {
  const [{ task_id: taskId }] = instances;
  const states = instances.map((task) => task.state);
  const isOpen = currentRoute().query.get("open") === taskId;
  const fold = button(
    `${isOpen ? "▾" : "▸"} ${taskId} × ${instances.length}`,
    () => setQuery({ open: isOpen ? null : taskId }),
    { class: "plain", id: `fold-${taskId}`, "aria-expanded": String(isOpen) },
  );
  return h(
    "li",
    null,
    h("div", { class: "row" }, fold, h("span", { class: "end" }, badge(mostUrgent(states), countsText(states)))),
    isOpen ? mappedInstances(instances, selection) : null,
  );
}

/** @param {Api.TaskInstance[]} instances @param {Selection} selection */
function mappedInstances(instances, selection) {
  /** @param {Api.TaskInstance} task */
  const isFailed = (task) => Number(task.state === "failed");
  const shown = [...instances].sort((a, b) => isFailed(b) - isFailed(a) || a.map_index - b.map_index).slice(0, MOST);
  return h(
    "ul",
    { class: "list inner" },
    shown.map((task) => item(task, selection)),
    instances.length > MOST
      ? h("li", { class: "quiet" }, `The first ${MOST} of ${instances.length} mapped instances, failures first.`)
      : null,
  );
}
