"""Commands about task instances: cancel them, or mark them with a final state."""

from __future__ import annotations

from chalicelib.dag.states import IN_FLIGHT, MARKABLE_STATES, TASK_TRANSITIONS, TaskState
from chalicelib.database.queries import task_instances
from chalicelib.errors import Conflict, InvalidRequest
from chalicelib.scheduler import clearing
from chalicelib.scheduler.commands import lookup
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.stopping import stop_attempt
from chalicelib.scheduler.transaction import unit_of_work


def cancel_task(
    scheduler: SchedulerContext,
    run_id: str,
    task_id: str,
    map_index: int | None = None,
    *,
    who: str,
) -> None:
    """Cancel a task, or one of its mapped instances. Raises NotFound, or Conflict if it has
    ended."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        instances = lookup.instances(work, run, task_id, map_index)
        legal = [task for task in instances if TaskState.CANCELLED in TASK_TRANSITIONS[task.state]]
        if not legal:
            state = instances[0].state
            raise Conflict(f"task {task_id!r} of run {run_id!r} has already ended ({state})")
        reason = f"cancelled by {who}"
        for task in legal:
            if task.state in IN_FLIGHT:
                stop_attempt(work, task, reason)
            else:
                cancelled = TaskState.CANCELLED
                task_instances.end_unstarted(work.tx, task.key, cancelled, reason, work.now)
        work.mark_changed(run_id)
        audit(work, who, "cancel task", run_id, task_id=task_id, map_index=map_index)


def mark(
    scheduler: SchedulerContext,
    run_id: str,
    task_id: str,
    map_index: int | None,
    state: str,
    *,
    who: str,
) -> None:
    """Mark a task as succeeded, failed or skipped, and decide again about the tasks that its
    failure had blocked. Raises NotFound, InvalidRequest, or Conflict if it is queued or running."""
    if state not in MARKABLE_STATES:
        raise InvalidRequest(f"a task can be marked {', '.join(MARKABLE_STATES)}, not {state!r}")
    target = TaskState(state)
    with unit_of_work(scheduler) as work:
        run = lookup.rerunnable_run(work, run_id)
        instances = lookup.instances(work, run, task_id, map_index)
        instances = [task for task in instances if not task.is_removed]
        if not instances:
            raise Conflict(
                f"task {task_id!r} is no longer in version {run.version} of the DAG, which run"
                f" {run_id!r} uses; its state would have no effect"
            )
        unmarked = [task for task in instances if task.state is not target]
        if not unmarked:
            return  # a repeated command
        for task in unmarked:
            reason = f"marked {state} by {who}"
            if not task_instances.set_by_hand(work.tx, task.key, target, reason, work.now):
                raise Conflict(
                    f"task {task_id!r} of run {run_id!r} is {task.state}; cancel it first"
                )
        if target is not TaskState.FAILED:
            clearing.unblock(work, run, task_id)
        clearing.reopen(work, run)
        audit(work, who, f"mark {state}", run_id, task_id=task_id, map_index=map_index)
