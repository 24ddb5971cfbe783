"""What people ask for. Each call is one transaction, legal only where it makes sense, harmless when
it is asked twice or meets a result on its way, and leaves an audit row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.dag.evaluate.params import keep_declared
from chalicelib.dag.states import IN_FLIGHT, MARKABLE_STATES, TASK_TRANSITIONS, RunState, TaskState
from chalicelib.database import Transaction
from chalicelib.database.queries import dags, definitions, runs, task_instances
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.database.queries.runs import NewRun, Run
from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.scheduler import clearing
from chalicelib.scheduler.clearing import Cleared, ClearRequest
from chalicelib.scheduler.clock import clock_start
from chalicelib.scheduler.commands import lookup
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext, UnitOfWork
from chalicelib.scheduler.run_creation import make_now, make_run
from chalicelib.scheduler.stopping import stop_attempt, stop_run
from chalicelib.scheduler.unit_of_work import unit_of_work
from chalicelib.utils.time import iso

MAX_TAGGED = 1000

_SECOND_CLICK = timedelta(minutes=1)


def request_run(
    scheduler: SchedulerContext,
    dag_id: str,
    *,
    who: str = "local",
    logical_date: datetime | None = None,
    idempotency_key: str | None = None,
    note: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> tuple[str, bool]:
    """Make a run now; answers its run_id and whether it is new. The same key again answers the same
    run. Raises NotFound, InvalidRequest for bad params or a date that lies ahead, Conflict for a
    removed DAG, a date that has its run, or a DAG at its limit whose overlap_policy is skip."""
    with unit_of_work(scheduler) as work:
        if idempotency_key is not None:
            earlier = runs.by_idempotency_key(work.tx, dag_id, idempotency_key)
            if earlier is not None:
                return earlier.run_id, False
        dag = lookup.live_dag(work, dag_id)
        moment = logical_date or work.now
        if moment > work.now:
            raise InvalidRequest(
                f"logical_date {iso(moment)} lies ahead, where the schedule will make a run; take "
                f"{iso(work.now)} or earlier, or leave it out for now"
            )
        new = NewRun(
            run_type="manual",
            logical_date=moment,
            data_interval_start=moment,
            data_interval_end=moment,
            not_before=work.now,
            idempotency_key=idempotency_key,
            note=note,
            params=dict(params or {}),
        )
        run = make_now(work, dag, new) if logical_date is None else make_run(work, dag, new)
        if run is None:
            raise _taken(work, dag, moment)
        current = lookup.run(work, run.run_id)
        if not current.is_active:
            raise Conflict(f"DAG {dag_id!r} was not run: {current.reason}")
        audit(work, who, "run", dag_id, run_id=run.run_id)
        return run.run_id, True


def _taken(work: UnitOfWork, dag: RegisteredDag, moment: datetime) -> Conflict:
    taken = runs.by_logical_date(work.tx, dag.dag_id, moment)
    return Conflict(
        f"DAG {dag.dag_id!r} has a run for {moment.isoformat()} already:"
        f" {taken.run_id if taken else 'removed just now'}; choose another logical_date"
    )


def set_paused(
    scheduler: SchedulerContext, dag_id: str, is_paused: bool, *, who: str = "local"
) -> None:
    """Stop or start the DAG's schedule. Scheduled runs that waited for a slot wait on, or go on.
    Raises NotFound or Conflict."""
    with unit_of_work(scheduler) as work:
        _set_paused(work, lookup.live_dag(work, dag_id), is_paused, who)


def set_paused_by_tag(
    scheduler: SchedulerContext, tag: str, is_paused: bool, *, who: str = "local"
) -> list[str]:
    """The same for every DAG with this tag (at most 1000 at once); answers those that changed."""
    with unit_of_work(scheduler) as work:
        return [
            dag_id
            for dag_id in dags.tagged(work.tx, tag, MAX_TAGGED)
            if _set_paused(work, lookup.live_dag(work, dag_id), is_paused, who)
        ]


def _set_paused(work: UnitOfWork, dag: RegisteredDag, is_paused: bool, who: str) -> bool:
    if dag.is_paused == is_paused:
        return False
    definition = work.definition(dag.version_id)
    next_fire_at = None if is_paused else clock_start(work, dag.dag_id, definition)
    dags.set_paused(work.tx, dag.dag_id, is_paused, next_fire_at, work.now)
    work.outbox.wake(next_fire_at)
    work.run_slots.add(dag.dag_id)
    audit(work, who, "pause" if is_paused else "unpause", dag.dag_id)
    return True


def cancel_run(scheduler: SchedulerContext, run_id: str, *, who: str = "local") -> None:
    """Nothing of the run begins any more, and what runs is stopped. Raises NotFound, or Conflict if
    it has ended."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        if not run.is_active:
            raise Conflict(f"run {run_id!r} has ended: {run.state}; there is nothing to cancel")
        if stop_run(work, run, RunState.CANCELLED, f"cancelled by {who}"):
            audit(work, who, "cancel", run_id)


def cancel_task(
    scheduler: SchedulerContext,
    run_id: str,
    task_id: str,
    map_index: int | None = None,
    *,
    who: str = "local",
) -> None:
    """The same for one task, or one copy of it. Raises NotFound, Conflict."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        found = lookup.instances(work, run, task_id, map_index)
        legal = [task for task in found if TaskState.CANCELLED in TASK_TRANSITIONS[task.state]]
        if not legal:
            raise Conflict(f"task {task_id!r} of run {run_id!r} has ended: {found[0].state}")
        reason = f"cancelled by {who}"
        for task in legal:
            if task.state in IN_FLIGHT:
                stop_attempt(work, task, reason)
            else:
                cancelled = TaskState.CANCELLED
                task_instances.end_unstarted(work.tx, task.key, cancelled, reason, work.now)
        work.touch(run_id)
        audit(work, who, "cancel task", run_id, task_id=task_id, map_index=map_index)


def clear(
    scheduler: SchedulerContext,
    run_id: str,
    *,
    who: str = "local",
    task_ids: Sequence[str] | None = None,
    only_failed: bool = False,
    downstream: bool = False,
    run_on_latest_version: bool | None = None,
    dry_run: bool = False,
) -> Cleared:
    """Let tasks run again: these (all if None), with what depends on them, or only what failed; by
    the file as it is now, or by the run's own version, None for what the DAG says. Answers what is,
    or with `dry_run` would be, cleared. Raises NotFound, Conflict."""
    with unit_of_work(scheduler) as work:
        run = lookup.run_to_go_on(work, run_id)
        if run.stopping is not None and run.is_active:
            raise Conflict(f"run {run_id!r} is being stopped; clear it when it has ended")
        request = ClearRequest(task_ids, only_failed, downstream, run_on_latest_version)
        cleared = clearing.clear(work, run, request, dry_run=dry_run)
        if cleared.is_change and not dry_run:
            names = sorted({task_id for task_id, _, _ in cleared.tasks})
            versions = {"from_version": run.version, "version": cleared.choice.version}
            audit(work, who, "clear", run_id, tasks=names[:100], **versions)
        return cleared


def retry_run(
    scheduler: SchedulerContext,
    run_id: str,
    *,
    who: str = "local",
    run_on_latest_version: bool | None = None,
    dry_run: bool = False,
) -> Cleared:
    """Run again what failed, was blocked by it, or was cancelled. Raises NotFound, Conflict."""
    cleared = clear(
        scheduler,
        run_id,
        who=who,
        only_failed=True,
        run_on_latest_version=run_on_latest_version,
        dry_run=dry_run,
    )
    if not cleared.is_change:
        raise Conflict(f"run {run_id!r} has no failed task; there is nothing to retry")
    return cleared


def rerun(scheduler: SchedulerContext, run_id: str, *, who: str = "local") -> str:
    """A new run by the file as it is now, with the same params, as far as the file still has them;
    answers its run_id. A second click within a minute answers the same run. Raises NotFound,
    Conflict."""
    now = scheduler.now()
    with scheduler.database.read() as tx:
        run = runs.find(tx, run_id)
        if run is None:
            raise NotFound(f"there is no run {run_id!r}; GET /api/runs lists those that exist")
        params = _still_declared(tx, run)
        just_now = runs.by_idempotency_key(tx, run.dag_id, _again(run_id, now - _SECOND_CLICK))
    if just_now is not None and abs(now - just_now.logical_date) < _SECOND_CLICK:
        return just_now.run_id
    return request_run(
        scheduler,
        run.dag_id,
        who=who,
        idempotency_key=_again(run_id, now),
        note=f"again: {run_id}",
        params=params,
    )[0]


def _still_declared(tx: Transaction, run: Run) -> dict[str, Any]:
    dag = dags.find(tx, run.dag_id)
    if dag is None:
        return run.params
    return keep_declared(definitions.definition(tx, dag.version_id), run.params)


def _again(run_id: str, moment: datetime) -> str:
    """The idempotency key of a run made again within this minute."""
    return f"again:{run_id}:{moment:%Y%m%d%H%M}"


def mark(
    scheduler: SchedulerContext,
    run_id: str,
    task_id: str,
    map_index: int | None,
    state: str,
    *,
    who: str = "local",
) -> None:
    """Say that a task succeeded, failed or was skipped. What follows from it is worked out again:
    what a failure had blocked is decided anew. Raises NotFound, InvalidRequest, Conflict where
    somebody works on it."""
    if state not in MARKABLE_STATES:
        raise InvalidRequest(f"a task can be marked {', '.join(MARKABLE_STATES)}, not {state!r}")
    target = TaskState(state)
    with unit_of_work(scheduler) as work:
        run = lookup.run_to_go_on(work, run_id)
        found = lookup.instances(work, run, task_id, map_index)
        found = [task for task in found if not task.is_removed]
        if not found:
            raise Conflict(
                f"task {task_id!r} is no longer in version {run.version} of the DAG, which run"
                f" {run_id!r} has; there is nothing that its state could decide"
            )
        other = [task for task in found if task.state is not target]
        if not other:
            return  # a second click
        for task in other:
            reason = f"marked {state} by {who}"
            if not task_instances.set_by_hand(work.tx, task.key, target, reason, work.now):
                raise Conflict(
                    f"task {task_id!r} of run {run_id!r} is {task.state}; cancel it first"
                )
        if target is not TaskState.FAILED:
            clearing.unblock(work, run, task_id)
        clearing.reopen(work, run)
        audit(work, who, f"mark {state}", run_id, task_id=task_id, map_index=map_index)


def set_note(
    scheduler: SchedulerContext, run_id: str, note: str | None, *, who: str = "local"
) -> None:
    """What people say about the run. Raises NotFound."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        runs.set_note(work.tx, run.key, note)
        audit(work, who, "note", run_id)
