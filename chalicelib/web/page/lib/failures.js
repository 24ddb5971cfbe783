// Which runs and tasks have failed and still matter. Pure.

/**
 * For each run, the task instance that failed first. Task instances that are no longer in the file don't count.
 * @template {Api.TaskInstance} T
 * @param {readonly T[]} tasks
 */
export function firstFailures(tasks) {
  /** @type {Map<string, T>} */
  const first = new Map();
  for (const task of tasks) {
    if (task.state !== "failed" || task.removed_at) continue;
    const other = first.get(task.run_id);
    if (!other || (task.ended_at ?? "") < (other.ended_at ?? "")) first.set(task.run_id, task);
  }
  return first;
}

/**
 * "load", or "load [3]" for a mapped task instance.
 * @param {{ task_id: string, map_index: number }} task
 */
export function taskName(task) {
  return task.map_index >= 0 ? `${task.task_id} [${task.map_index}]` : task.task_id;
}

/**
 * The query that names a task instance in a link to its run.
 * @param {{ task_id: string | null, map_index: number | null }} task
 */
export function taskQuery(task) {
  const isMapped = task.map_index !== null && task.map_index >= 0;
  return { task: task.task_id, map_index: isMapped ? task.map_index : null };
}
