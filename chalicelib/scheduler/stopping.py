"""Stops what a user, a limit or a timeout no longer wants: at once if nothing runs, else by a stop
request to the executor.

An attempt in flight keeps its slot until its executor has reported, or is silent for too long, so
that limits hold even while something is being stopped.
"""

from __future__ import annotations

from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.queries import (
    attempts,
    runs,
    task_instances,
    triggered_runs,
)
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import Outcome
from chalicelib.scheduler.unit_of_work import UnitOfWork


def stop_run(work: UnitOfWork, run: Run, how: RunState, reason: str) -> bool:
    """Stop the run. It ends as `how` once none of its attempts is in flight. Returns False if it is
    already being stopped."""
    if not runs.stop(work.tx, run.key, how, reason):
        return False
    task_instances.end_all_unstarted(work.tx, run.key, reason, work.now)
    in_flight = task_instances.in_flight_of_run(work.tx, run.key)
    for task in in_flight:
        stop_attempt(work, task, reason)
    if not run.is_admitted:
        runs.end(work.tx, run.key, how, reason, work.now)
        work.ended_before_admission[run.run_id] = how
    work.mark_changed(run.run_id)
    work.dags_to_admit.add(run.dag_id)
    return True


def stop_attempt(work: UnitOfWork, task: TaskInstance, reason: str) -> None:
    """Request the end of an attempt in flight. One that only waits for another run ends at once."""
    if task.state is TaskState.RUNNING and task.queued_at is not None and task.sends == 0:
        triggered_runs.detach(work.tx, task.key)
        ended = End(Outcome.CANCELLED, work.now, started_at=task.started_at, reason=reason)
        if attempts.end_attempt(work.tx, task, TaskState.CANCELLED, ended, None):
            work.mark_changed(task.attempt.run_id)
        return
    task_instances.explain(work.tx, task.key, f"being stopped: {reason}")
    work.request_stop(task.attempt)
