// The tasks of a run in running order, each with the reason why it is as it is; copies are folded.
import { button, empty, h } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { count, duration, live } from "../lib/format.js";
import { here, runLink, setQuery } from "../lib/router.js";
import { badge, tally, worst } from "./badge.js";
import { briefly, ownReason } from "./wait-reasons.js";

const MOST = 200;
const FEW = 20; // tasks that one look finds

export function taskList(tasks, chosen, runId) {
  if (!tasks.length) return empty("This run has no tasks yet.");
  const all = Map.groupBy(tasks, (task) => task.task_id);
  const wanted = (here().query.get("find") ?? "").toLowerCase();
  const groups = wanted ? new Map([...all].filter(([id]) => id.toLowerCase().includes(wanted))) : all;
  const most = Number(here().query.get("list")) || MOST;
  const items = (groups.size > most ? failedFirst([...groups.values()]) : [...groups.values()])
    .slice(0, most)
    .map((copies) => (copies.length === 1 ? one(copies[0], chosen, runId) : many(copies, chosen, runId)));
  const rest = groups.size - most;
  return [
    all.size > FEW ? finder() : null,
    items.length ? h("ul", { class: "list card tasklist" }, items) : empty("No task of this run has that in its id."),
    rest > 0
      ? h(
          "p",
          null,
          button(`Show ${Math.min(rest, 500)} more of ${groups.size}`, () => setQuery({ list: most + 500 }), {
            id: "more-tasks",
          }),
        )
      : null,
  ];
}

/** Tasks, and copies of tasks, that the run's version of the file no longer has. */
export function history(tasks, chosen, runId) {
  if (!tasks.length) return null;
  return h(
    "details",
    { id: "history", open: tasks.some((task) => task === chosen) },
    h("summary", null, `No longer in the file: ${count(tasks.length, "task")}`),
    h(
      "ul",
      { class: "list card tasklist" },
      tasks.slice(0, MOST).map((task) => one(task, chosen, runId)),
    ),
    tasks.length > MOST ? h("p", { class: "quiet" }, `The first ${MOST} of ${tasks.length}.`) : null,
  );
}

/** Of more tasks than are shown, those that failed are. */
function failedFirst(groups) {
  const isBad = (copies) => copies.some((task) => task.state === "failed");
  return [...groups.filter(isBad), ...groups.filter((copies) => !isBad(copies))];
}

function finder() {
  const input = h("input", {
    type: "search",
    id: "find-task",
    placeholder: "Find a task",
    "aria-label": "Find a task",
    value: document.getElementById("find-task")?.value ?? here().query.get("find") ?? "",
    oninput: () => {
      clearTimeout(finder.timer);
      finder.timer = setTimeout(() => setQuery({ find: input.value.trim(), list: null }), 250);
    },
  });
  return h("p", null, input);
}

function one(task, chosen, runId) {
  const isChosen = chosen && task.task_id === chosen.task_id && task.map_index === chosen.map_index;
  return h(
    "li",
    null,
    h(
      "div",
      { class: "row" },
      h(
        "a",
        {
          href: runLink(runId, { task: task.task_id, copy: task.map_index >= 0 ? task.map_index : null }),
          "data-item": true,
          id: `t-${taskName(task)}`,
          "aria-current": isChosen ? "true" : null,
        },
        taskName(task),
      ),
      task.try_number > 1 ? h("span", { class: "quiet" }, `try ${task.try_number}`) : null,
      h(
        "span",
        { class: "end quiet" },
        task.duration !== null
          ? duration(task.duration)
          : task.state === "running" && task.started_at
            ? live("since", task.started_at)
            : "",
      ),
      badge(task.state),
    ),
    ownReason(task) ? h("div", { class: "quiet reason" }, task.reason) : null,
    task.waiting_for?.some((reason) => reason.code !== "run_not_started")
      ? h("div", { class: "quiet reason" }, briefly(task))
      : null,
  );
}

function many(copies, chosen, runId) {
  const [{ task_id: taskId }] = copies;
  const isOpen = here().query.get("open") === taskId;
  const shown = [...copies]
    .sort((a, b) => (b.state === "failed") - (a.state === "failed") || a.map_index - b.map_index)
    .slice(0, MOST);
  return h(
    "li",
    null,
    h(
      "div",
      { class: "row" },
      button(`${isOpen ? "▾" : "▸"} ${taskId} × ${copies.length}`, () => setQuery({ open: isOpen ? null : taskId }), {
        class: "plain",
        id: `fold-${taskId}`,
        "aria-expanded": String(isOpen),
      }),
      h("span", { class: "end" }, badge(worst(copies.map((task) => task.state)), tally(copies))),
    ),
    isOpen
      ? h(
          "ul",
          { class: "list inner" },
          shown.map((task) => one(task, chosen, runId)),
          copies.length > MOST
            ? h("li", { class: "quiet" }, `The first ${MOST} of ${copies.length}, failures first.`)
            : null,
        )
      : null,
  );
}
