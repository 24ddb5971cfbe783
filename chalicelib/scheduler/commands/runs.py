"""Commands about runs: trigger, cancel, clear, retry, rerun and annotate them. A repeated command,
or one that races with a result, is harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.dag.evaluate.params import keep_declared
from chalicelib.dag.states import RunState
from chalicelib.database import Transaction
from chalicelib.database.queries import dags, definitions, runs
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.database.queries.runs import NewRun, Run
from chalicelib.enums import RunType
from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.scheduler import clearing
from chalicelib.scheduler.clearing import Cleared, ClearRequest
from chalicelib.scheduler.commands import lookup
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.run_creation import create_run, create_run_now
from chalicelib.scheduler.stopping import stop_run
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.time import iso

_DOUBLE_CLICK = timedelta(minutes=1)
"""A second `rerun` of the same run within this time returns the first one's new run."""


def trigger_run(
    scheduler: SchedulerContext,
    dag_id: str,
    *,
    who: str,
    logical_date: datetime | None = None,
    idempotency_key: str | None = None,
    note: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> tuple[str, bool]:
    """Create a run now. Returns its run_id and whether it is new: the same idempotency key returns
    the same run. Raises NotFound, InvalidRequest for bad params or a date in the future, Conflict
    for a removed DAG, a date that already has a run, or a DAG at its limit with overlap_policy
    skip."""
    with unit_of_work(scheduler) as work:
        if idempotency_key is not None:
            earlier = runs.by_idempotency_key(work.tx, dag_id, idempotency_key)
            if earlier is not None:
                return earlier.run_id, False
        dag = lookup.live_dag(work, dag_id)
        date = logical_date or work.now
        if date > work.now:
            raise InvalidRequest(
                f"logical_date {iso(date)} is in the future, where the schedule creates the runs;"
                f" use {iso(work.now)} or earlier, or omit it to run now"
            )
        new = NewRun(
            run_type=RunType.MANUAL,
            logical_date=date,
            data_interval_start=date,
            data_interval_end=date,
            not_before=work.now,
            idempotency_key=idempotency_key,
            note=note,
            params=dict(params or {}),
        )
        run = create_run_now(work, dag, new) if logical_date is None else create_run(work, dag, new)
        if run is None:
            raise _date_taken(work, dag, date)
        current = lookup.run(work, run.run_id)
        if not current.is_active:
            raise Conflict(f"DAG {dag_id!r} did not run: {current.reason}")
        audit(work, who, "run", dag_id, run_id=run.run_id)
        return run.run_id, True


def _date_taken(work: UnitOfWork, dag: RegisteredDag, date: datetime) -> Conflict:
    existing = runs.by_logical_date(work.tx, dag.dag_id, date)
    return Conflict(
        f"DAG {dag.dag_id!r} already has a run for {date.isoformat()}:"
        f" {existing.run_id if existing else 'just removed'}; choose another logical_date"
    )


def cancel_run(scheduler: SchedulerContext, run_id: str, *, who: str) -> None:
    """Cancel the run: start no more of its tasks and stop those that run. Raises NotFound, or
    Conflict if it has ended."""
    with unit_of_work(scheduler) as work:
        cancel_in(work, lookup.run(work, run_id), who=who)


def cancel_in(work: UnitOfWork, run: Run, *, who: str, dry_run: bool = False) -> bool:
    """Cancel the run in this transaction. Returns False if it is being stopped already. Raises
    Conflict if it has ended."""
    if not run.is_active:
        raise Conflict(
            f"run {run.run_id!r} has already ended ({run.state}); there is nothing to cancel"
        )
    if dry_run:
        return run.stopping is None
    is_change = stop_run(work, run, RunState.CANCELLED, f"cancelled by {who}")
    if is_change:
        audit(work, who, "cancel", run.run_id)
    return is_change


def clear(
    scheduler: SchedulerContext,
    run_id: str,
    *,
    who: str,
    task_ids: Sequence[str] | None = None,
    only_failed: bool = False,
    downstream: bool = False,
    run_on_latest_version: bool | None = None,
    dry_run: bool = False,
) -> Cleared:
    """Clear tasks so that they run again: `task_ids` (None for all), with their downstream tasks,
    or only those that did not succeed. The run continues with the latest version of its DAG or its
    own; None leaves that to the DAG. Returns what was, or with `dry_run` would be, cleared. Raises
    NotFound, Conflict."""
    request = ClearRequest(task_ids, only_failed, downstream, run_on_latest_version)
    with unit_of_work(scheduler) as work:
        return clear_in(work, run_id, request, who=who, dry_run=dry_run)


def clear_in(
    work: UnitOfWork, run_id: str, request: ClearRequest, *, who: str, dry_run: bool
) -> Cleared:
    """Do what `clear` does in this transaction."""
    run = lookup.rerunnable_run(work, run_id)
    if run.stopping is not None and run.is_active:
        raise Conflict(f"run {run_id!r} is being stopped; clear it once it has ended")
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
    who: str,
    run_on_latest_version: bool | None = None,
    dry_run: bool = False,
) -> Cleared:
    """Clear the tasks that failed, were blocked by a failure, or were cancelled. Raises NotFound,
    Conflict."""
    with unit_of_work(scheduler) as work:
        return retry_in(work, run_id, run_on_latest_version, who=who, dry_run=dry_run)


def retry_in(
    work: UnitOfWork,
    run_id: str,
    run_on_latest_version: bool | None,
    *,
    who: str,
    dry_run: bool,
) -> Cleared:
    """Do what `retry_run` does in this transaction."""
    request = ClearRequest(only_failed=True, run_on_latest_version=run_on_latest_version)
    cleared = clear_in(work, run_id, request, who=who, dry_run=dry_run)
    if not cleared.is_change:
        raise Conflict(f"run {run_id!r} has no failed task; there is nothing to retry")
    return cleared


def rerun(scheduler: SchedulerContext, run_id: str, *, who: str) -> str:
    """Create a new run of the latest version with the same params, as far as it still has them.
    Returns its run_id. A repeated call within a minute returns the same run. Raises NotFound,
    Conflict."""
    now = scheduler.now()
    with scheduler.database.read() as tx:
        run = runs.find(tx, run_id)
        if run is None:
            raise NotFound(f"there is no run {run_id!r}; GET /api/runs lists those that exist")
        params = _still_declared(tx, run)
        recent = runs.by_idempotency_key(tx, run.dag_id, _rerun_key(run_id, now - _DOUBLE_CLICK))
    if recent is not None and abs(now - recent.logical_date) < _DOUBLE_CLICK:
        return recent.run_id
    return trigger_run(
        scheduler,
        run.dag_id,
        who=who,
        idempotency_key=_rerun_key(run_id, now),
        note=f"rerun of {run_id}",
        params=params,
    )[0]


def _still_declared(tx: Transaction, run: Run) -> dict[str, Any]:
    dag = dags.find(tx, run.dag_id)
    if dag is None:
        return run.params
    return keep_declared(definitions.definition(tx, dag.version_id), run.params)


def _rerun_key(run_id: str, time: datetime) -> str:
    """Return the idempotency key of a rerun within this minute."""
    return f"rerun:{run_id}:{time:%Y%m%d%H%M}"


def set_note(scheduler: SchedulerContext, run_id: str, note: str | None, *, who: str) -> None:
    """Set or remove the run's note. Raises NotFound."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        runs.set_note(work.tx, run.key, note)
        audit(work, who, "note", run_id)
