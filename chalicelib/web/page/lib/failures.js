// Which runs and tasks have failed and still matter. Pure.

/** @typedef {{ run: Api.Run, count: number }} OpenFailure the latest failed run of a DAG, and how many there are */

/**
 * The DAGs whose last result is a failure: none of their runs has succeeded since, and nobody has
 * acknowledged that failure or a later one. In the order of `runs`, which are newest first.
 * @param {readonly Api.Run[]} runs
 */
export function openFailures(runs) {
  const settledAt = new Map();
  for (const run of runs) {
    const at = Date.parse((run.state === "success" ? run.ended_at : run.acknowledged_at) ?? "");
    if (at > (settledAt.get(run.dag_id) ?? 0)) settledAt.set(run.dag_id, at);
  }
  /** @type {Map<string, OpenFailure>} */
  const open = new Map();
  for (const run of runs) {
    if (run.state !== "failed" || run.acknowledged_at) continue;
    if (Date.parse(run.ended_at ?? "") < settledAt.get(run.dag_id)) continue;
    const entry = open.get(run.dag_id) ?? { run, count: 0 };
    entry.count += 1;
    open.set(run.dag_id, entry);
  }
  return [...open.values()];
}

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
