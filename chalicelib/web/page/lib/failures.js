// Which runs and tasks have failed and still matter. Pure.

/** DAGs whose last word was a failure: after it none of their runs has succeeded, and nobody has
 * acknowledged it or a later one. Newest first. */
export function unresolved(runs) {
  const found = new Map();
  const settled = new Map();
  for (const run of runs) {
    const at = Date.parse(run.state === "success" ? run.ended_at : run.acknowledged_at);
    if (at > (settled.get(run.dag_id) ?? 0)) settled.set(run.dag_id, at);
  }
  for (const run of runs) {
    if (run.state !== "failed" || run.acknowledged_at) continue;
    if (Date.parse(run.ended_at) < settled.get(run.dag_id)) continue;
    const entry = found.get(run.dag_id) ?? { run, times: 0 };
    entry.times += 1;
    found.set(run.dag_id, entry);
  }
  return [...found.values()];
}

/** Of failed task instances, for each run the one that ended first; history decides nothing. */
export function firstFailures(tasks) {
  const first = new Map();
  for (const task of tasks) {
    const other = first.get(task.run_id);
    if (task.state === "failed" && !task.removed_at && (!other || (task.ended_at ?? "") < (other.ended_at ?? ""))) {
      first.set(task.run_id, task);
    }
  }
  return first;
}

export function taskName(task) {
  return task.map_index >= 0 ? `${task.task_id} [${task.map_index}]` : task.task_id;
}
