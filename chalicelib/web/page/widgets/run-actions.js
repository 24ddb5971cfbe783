// A button for each action that the API allows on a run now. Before it is done, a dialog lists the tasks it affects.
import { segment, send } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { navigate } from "../lib/router.js";
import { actionButtons } from "../lib/session.js";
import { isFinal } from "../lib/vocabulary.js";
import { acknowledge, unacknowledge } from "./acknowledge.js";
import { confirm } from "./confirm-dialog.js";
import { openRerunDialog } from "./rerun-dialog.js";

const LONGEST_NOTE = 1000;

/** @param {Api.RunDetail} run @param {Api.TaskInstance[]} tasks @param {() => unknown} done */
export function runButtons(run, tasks, done) {
  return actionButtons(runActions(run, tasks, done), run.actions, (name) => `act-${name}`);
}

/**
 * @param {Api.RunDetail} run
 * @param {Api.TaskInstance[]} tasks
 * @param {() => unknown} done
 * @returns {Record<Api.Run["actions"][number], import("../lib/session.js").Action>}
 */
function runActions(run, tasks, done) {
  const retryable = ["failed", "upstream_failed", "cancelled"];
  return {
    retry: {
      label: "Retry failed tasks…",
      act: () => rerun(run, "retry", "Retry the tasks that did not succeed", done),
      isMain: tasks.some((task) => retryable.includes(task.state)),
    },
    clear: {
      label: "Rerun all tasks…",
      act: () => rerun(run, "clear", "Run all tasks of this run again", done),
    },
    rerun: { label: "New run…", act: () => runAnew(run) },
    acknowledge: { label: "Acknowledge…", act: () => acknowledge(run, done) },
    unacknowledge: { label: "Undo acknowledgement…", act: () => unacknowledge(run, done) },
    note: { label: run.note ? "Edit note…" : "Add note…", act: () => editNote(run, done) },
    cancel: { label: "Cancel run…", act: () => cancel(run, tasks, done) },
  };
}

/** @param {Api.RunDetail} run @param {"retry" | "clear"} action @param {string} title @param {() => unknown} done */
function rerun(run, action, title, done) {
  openRerunDialog({
    title,
    dagId: run.dag_id,
    request: (body) => send("POST", `runs/${segment(run.run_id)}/${action}`, body),
    done,
  });
}

/** @param {Api.RunDetail} run */
function runAnew(run) {
  confirm({
    title: "Start a new run with the same params",
    text: "It uses the latest version of the file.",
    label: "Start run",
    act: async () => {
      const started = await send("POST", `runs/${segment(run.run_id)}/rerun`);
      navigate(["runs", started.run_id]);
    },
  });
}

/** @param {Api.RunDetail} run @param {Api.TaskInstance[]} tasks @param {() => unknown} done */
function cancel(run, tasks, done) {
  const unfinished = tasks.filter((task) => !isFinal(task.state));
  confirm({
    title: "Cancel this run",
    tasks: unfinished,
    text: "Running tasks are stopped. Waiting tasks never start.",
    label: `Cancel ${plural(unfinished.length, "task")}`,
    act: () => send("POST", `runs/${segment(run.run_id)}/cancel`),
    done,
  });
}

/** @param {Api.RunDetail} run @param {() => unknown} done */
function editNote(run, done) {
  const note = h("textarea", { id: "note", maxlength: LONGEST_NOTE, value: run.note ?? "", "aria-label": "Note" });
  const before = note.value;
  confirm({
    title: "Note on this run",
    options: note,
    label: "Save note",
    act: async () => {
      if (note.value === before) return;
      await send("PATCH", `runs/${segment(run.run_id)}`, { note: note.value.trim() ? note.value : null });
    },
    done,
  });
}
