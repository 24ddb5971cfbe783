// A button for each action that the API allows on a task instance now.
import { segment, send } from "../lib/api.js";
import { taskName } from "../lib/failures.js";
import { actionButtons } from "../lib/session.js";
import { confirm } from "./confirm-dialog.js";
import { openRerunDialog } from "./rerun-dialog.js";

/** @typedef {import("../lib/session.js").Action} Action */

/** @param {Api.TaskInstanceDetail} task @param {() => unknown} done */
export function taskButtons(task, done) {
  return actionButtons(taskActions(task, done), task.actions, (name) => `task-${name}`);
}

/**
 * @param {Api.TaskInstanceDetail} task
 * @param {() => unknown} done
 * @returns {Record<Api.TaskInstance["actions"][number], Action>}
 */
function taskActions(task, done) {
  /** @param {"success" | "failed" | "skipped"} state @param {string} label @param {string} text @returns {Action} */
  const marking = (state, label, text) => ({ label: `${label}…`, act: () => markAs(task, state, label, text, done) });
  return {
    clear: { label: "Run again…", act: () => rerun(task, done) },
    mark_success: marking(
      "success",
      "Mark as succeeded",
      "Tasks that wait for it, or that its failure blocked, go on.",
    ),
    mark_failed: marking(
      "failed",
      "Mark as failed",
      "The trigger rules of the tasks that wait for it decide how they go on.",
    ),
    mark_skipped: marking(
      "skipped",
      "Mark as skipped",
      "Downstream tasks are evaluated again. With the default trigger rule they are skipped, too.",
    ),
    cancel: { label: "Cancel task…", act: () => cancel(task, done) },
  };
}

/** The part of a request that names a mapped instance. @param {Api.TaskInstance} task */
const instanceOf = ({ map_index }) => (map_index >= 0 ? { map_index } : {});

/** @param {Api.TaskInstance} task */
const pathOf = (task) => /** @type {const} */ (`runs/${segment(task.run_id)}/tasks/${segment(task.task_id)}`);

/** @param {Api.TaskInstanceDetail} task @param {() => unknown} done */
function rerun(task, done) {
  openRerunDialog({
    title: `Run ${task.task_id} again`,
    dagId: task.dag_id,
    request: (body) => send("POST", `${pathOf(task)}/clear`, body),
    done,
    hasDownstream: true,
  });
}

/**
 * @param {Api.TaskInstanceDetail} task
 * @param {"success" | "failed" | "skipped"} state
 * @param {string} label
 * @param {string} text
 * @param {() => unknown} done
 */
function markAs(task, state, label, text, done) {
  confirm({
    title: `${label}: ${taskName(task)}`,
    tasks: [task],
    text,
    label,
    act: () => send("POST", `${pathOf(task)}/mark`, { state, ...instanceOf(task) }),
    done,
  });
}

/** @param {Api.TaskInstanceDetail} task @param {() => unknown} done */
function cancel(task, done) {
  confirm({
    title: `Cancel ${taskName(task)}`,
    tasks: [task],
    text: "If it is running, it is stopped. If it is waiting, it never starts.",
    label: "Cancel task",
    act: () => send("POST", `${pathOf(task)}/cancel`, instanceOf(task)),
    done,
  });
}
