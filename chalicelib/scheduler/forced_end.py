"""Ends what cannot be handled: runs and attempts end without their definition, with a reason.

A stored definition may be unreadable later: the code or the time zone database changed, or a bit
flipped. Whatever needs it then raises and is isolated (see `UnitOfWork.isolate`). Nothing may stay
that way for ever, so it ends here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.queries import attempts, runs, task_instances
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import Outcome
from chalicelib.scheduler import notifications, stopping
from chalicelib.scheduler.unit_of_work import UnitOfWork

log = logging.getLogger("orchestrator.scheduler")


def fail_run(work: UnitOfWork, run: Run, reason: str) -> None:
    """Fail the run: start no more of its tasks, stop its commands, and end it once they have
    ended."""
    stopping.stop_run(work, run, RunState.FAILED, reason)
    work.changed_runs.discard(run.run_id)  # advancing it is what raises
    now = work.run(run.run_id)
    if now is None or not now.is_active:
        _notify(work, run, reason)
        return
    state, why = now.stopping or RunState.FAILED, now.reason or reason
    if task_instances.in_flight_of_run(work.tx, run.key):
        return
    failed_tasks = task_instances.count_failed_tasks(work.tx, run.key)
    if runs.end(work.tx, run.key, state, why, work.now, failed_tasks):
        log.info("run ended: %s", state, extra=run.ids())
        if state is RunState.FAILED:
            _notify(work, run, why)
        work.ended_before_admission[run.run_id] = state


def _notify(work: UnitOfWork, run: Run, reason: str) -> None:
    with work.isolate("the notification of a failed run", **run.ids()):
        dag = work.definition(run.version_id)
        notifications.notify_run(work, dag, run, RunState.FAILED, reason)


def fail_task(work: UnitOfWork, task: TaskInstance, reason: str) -> None:
    """Fail a task that has not started."""
    target = TaskState.FAILED
    if task_instances.end_unstarted(work.tx, task.key, target, reason, work.now):
        work.mark_changed(task.attempt.run_id)


def fail_unsent(work: UnitOfWork, task: TaskInstance, reason: str) -> None:
    """Fail an attempt whose message cannot be rendered again. If an executor has the first message,
    it is asked to stop."""
    if force_end_attempt(work, task, End(Outcome.FAILED, work.now), reason):
        work.request_stop(task.attempt)


def end_by_definition(
    work: UnitOfWork, task: TaskInstance, ended: End, by_definition: Callable[[], bool]
) -> bool:
    """End an attempt in flight by its definition or, if that raises, without it. Returns False if
    it already has a result."""
    try:
        with work.savepoint():
            return by_definition()
    except Exception as error:
        reason = work.record_error(error, "the definition of a task", **task.attempt.ids())
        return force_end_attempt(work, task, ended, reason)


def force_end_attempt(work: UnitOfWork, task: TaskInstance, ended: End, reason: str) -> bool:
    """Record how an attempt in flight ended, without its definition and so without a retry."""
    target = STATE_OF_OUTCOME.get(ended.outcome, TaskState.FAILED)
    if target is TaskState.FAILED:
        ended = replace(ended, reason="; ".join(filter(None, (ended.reason, reason))))
    if not attempts.end_attempt(work.tx, task, target, ended, None):
        return False
    log.info("attempt ended: %s", ended.outcome, extra={**task.attempt.ids(), "state": target})
    work.mark_changed(task.attempt.run_id)
    return True


STATE_OF_OUTCOME = {
    "success": TaskState.SUCCESS,
    "skipped": TaskState.SKIPPED,
    "cancelled": TaskState.CANCELLED,
}
"""The state that follows from these outcomes, whatever the definition says."""
