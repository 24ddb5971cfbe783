// What people may do to a run or a task: a button for each act that is legal now, and before it
// is done a list of what it will touch.
import { path, send } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { count } from "../lib/format.js";
import { go } from "../lib/router.js";
import { changing } from "../lib/session.js";
import { ENDED } from "./badge.js";
import { confirm } from "./confirm-dialog.js";
import { again } from "./rerun-dialog.js";

export function runButtons(run, tasks, done) {
  const where = `runs/${path(run.run_id)}`;
  const failed = tasks.filter((task) => ["failed", "upstream_failed", "cancelled"].includes(task.state)).length;
  const unfinished = tasks.filter((task) => !ENDED.has(task.state));
  const acts = {
    retry: [
      "Run what failed again…",
      () => again({ title: "Run what did not succeed again", where: `${where}/retry`, dagId: run.dag_id, done }),
      failed ? "main" : "",
    ],
    clear: [
      "Run all again…",
      () => again({ title: "Run all tasks of this run again", where: `${where}/clear`, dagId: run.dag_id, done }),
    ],
    rerun: [
      "New run like this…",
      () =>
        confirm({
          title: "Make a new run with the same params",
          text: "It takes the file as it is now.",
          tasks: [],
          label: "Make the run",
          act: async () => {
            const made = await send("POST", `${where}/rerun`);
            go(["runs", made.run_id]);
          },
        }),
    ],
    acknowledge: ["Acknowledge…", () => acknowledge(run, done)],
    unacknowledge: [
      "Needs a look again…",
      () =>
        confirm({
          title: "List this failure under “To look at” again",
          tasks: [],
          label: "List it again",
          act: () => send("DELETE", `${where}/acknowledge`),
          done,
        }),
    ],
    note: [run.note ? "Change the note…" : "Add a note…", () => note(run, where, done)],
    cancel: [
      "Cancel the run…",
      () =>
        confirm({
          title: "Cancel this run",
          tasks: unfinished,
          text: "What runs is stopped, what waits never starts.",
          label: `Cancel ${count(unfinished.length, "task")}`,
          act: () => send("POST", `${where}/cancel`),
          done,
        }),
    ],
  };
  return Object.keys(acts)
    .filter((name) => run.actions.includes(name))
    .map((name) => changing(acts[name][0], acts[name][1], { id: `act-${name}`, class: acts[name][2] || null }));
}

export function taskButtons(task, done) {
  const where = `runs/${path(task.run_id, "tasks", task.task_id)}`;
  const copy = task.map_index >= 0 ? { map_index: task.map_index } : {};
  const name = taskName(task);
  const mark = (state, label, text) => [
    label,
    () =>
      confirm({
        title: `${label}: ${name}`,
        tasks: [task],
        text,
        label,
        act: () => send("POST", `${where}/mark`, { state, ...copy }),
        done,
      }),
  ];
  const acts = {
    clear: [
      "Run again…",
      () =>
        again({
          title: `Run ${task.task_id} again`,
          where: `${where}/clear`,
          dagId: task.dag_id,
          done,
          withDownstream: true,
        }),
    ],
    mark_success: mark("success", "Mark as succeeded", "What waits for it, or was blocked because it failed, goes on."),
    mark_failed: mark("failed", "Mark as failed", "Tasks that wait for it are decided by this."),
    mark_skipped: mark(
      "skipped",
      "Mark as skipped",
      "What waits for it, or was blocked because it failed, is decided again: with the usual trigger rule it is skipped, too.",
    ),
    cancel: [
      "Cancel this task…",
      () =>
        confirm({
          title: `Cancel ${name}`,
          tasks: [task],
          text: "If it runs it is stopped, if it waits it never starts.",
          label: "Cancel the task",
          act: () => send("POST", `${where}/cancel`, copy),
          done,
        }),
    ],
  };
  return Object.keys(acts)
    .filter((act) => task.actions.includes(act))
    .map((act) =>
      changing(act.startsWith("mark") ? `${acts[act][0]}…` : acts[act][0], acts[act][1], { id: `task-${act}` }),
    );
}

/** The failure is known: it leaves "To look at" until the DAG fails anew. */
export function acknowledge(run, done) {
  const text = h("textarea", { id: "acknowledge-note", maxlength: 1000 });
  confirm({
    title: "Acknowledge this failure",
    text: "It leaves “To look at”, with the earlier failures of its DAG. A new failure shows up there again.",
    tasks: [],
    options: h(
      "div",
      { class: "field" },
      h("label", { class: "name", for: "acknowledge-note" }, "What is known of it"),
      text,
    ),
    label: "Acknowledge",
    act: () => send("POST", `runs/${path(run.run_id)}/acknowledge`, { note: text.value.trim() ? text.value : null }),
    done,
  });
}

function note(run, where, done) {
  const text = h("textarea", { id: "note", maxlength: 1000, value: run.note ?? "", "aria-label": "Note" });
  const before = text.value;
  confirm({
    title: "Note of this run",
    tasks: [],
    options: text,
    label: "Keep the note",
    act: () => (text.value === before ? null : send("PATCH", where, { note: text.value.trim() ? text.value : null })),
    done,
  });
}
