// Why a task that has not ended waits, in words.
import { ENDED, word, worst } from "./states.js";
import { live } from "./words.js";

/** `state` is {run, tasks, dag}. Null for a task that waits for nothing. */
export function whyItWaits(task, state) {
  const again = (what) => [what, task.not_before ? [" ", live("in", task.not_before)] : "", "."];
  const reasons = {
    none: () => before(task, state),
    scheduled: () =>
      task.pool
        ? `Ready. Waits for ${task.pool_slots} of the slots of the pool ${task.pool}, or for one of the DAG's own.`
        : `Ready. Waits for a free slot: at most ${state.dag.max_active_tasks ?? "some"} tasks of this DAG work at once.`,
    queued: () => "On its way to an executor.",
    up_for_retry: () => again("Its last attempt failed. It is tried again"),
    up_for_reschedule: () => again("The answer was no. It is asked again"),
  };
  return reasons[task.state]?.() ?? null;
}

function before(task, { run, tasks, dag }) {
  if (run.state === "queued") return "The run has not begun.";
  const definition = (dag.tasks ?? []).find((one) => one.id === task.task_id);
  const waits = (definition?.dependencies ?? []).flatMap((id) => {
    const states = tasks.filter((other) => other.task_id === id).map((other) => other.state);
    return states.every((one) => ENDED.has(one)) ? [] : [`${id} (${word(worst(states))})`];
  });
  if (waits.length) return `Waits for ${waits.slice(0, 8).join(", ")}${waits.length > 8 ? " and more" : ""}.`;
  return definition?.depends_on_past ? "Waits until it has succeeded in the run before." : "Is about to be looked at.";
}
