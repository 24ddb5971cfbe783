"""What people ask for. Each call is one transaction, legal only where it makes sense, harmless when
it is asked twice or meets a result on its way, and leaves an audit row."""

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

_SECOND_CLICK = timedelta(minutes=1)


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
            run_type=RunType.MANUAL,
            logical_date=moment,
            data_interval_start=moment,
            data_interval_end=moment,
            not_before=work.now,
            idempotency_key=idempotency_key,
            note=note,
            params=dict(params or {}),
        )
        run = create_run_now(work, dag, new) if logical_date is None else create_run(work, dag, new)
        if run is None:
            raise _date_taken(work, dag, moment)
        current = lookup.run(work, run.run_id)
        if not current.is_active:
            raise Conflict(f"DAG {dag_id!r} was not run: {current.reason}")
        audit(work, who, "run", dag_id, run_id=run.run_id)
        return run.run_id, True


def _date_taken(work: UnitOfWork, dag: RegisteredDag, moment: datetime) -> Conflict:
    taken = runs.by_logical_date(work.tx, dag.dag_id, moment)
    return Conflict(
        f"DAG {dag.dag_id!r} has a run for {moment.isoformat()} already:"
        f" {taken.run_id if taken else 'removed just now'}; choose another logical_date"
    )


def cancel_run(scheduler: SchedulerContext, run_id: str, *, who: str) -> None:
    """Nothing of the run begins any more, and what runs is stopped. Raises NotFound, or Conflict if
    it has ended."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        if not run.is_active:
            raise Conflict(f"run {run_id!r} has ended: {run.state}; there is nothing to cancel")
        if stop_run(work, run, RunState.CANCELLED, f"cancelled by {who}"):
            audit(work, who, "cancel", run_id)


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
    """Let tasks run again: these (all if None), with what depends on them, or only what failed; by
    the file as it is now, or by the run's own version, None for what the DAG says. Answers what is,
    or with `dry_run` would be, cleared. Raises NotFound, Conflict."""
    with unit_of_work(scheduler) as work:
        run = lookup.rerunnable_run(work, run_id)
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
    who: str,
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


def rerun(scheduler: SchedulerContext, run_id: str, *, who: str) -> str:
    """A new run by the file as it is now, with the same params, as far as the file still has them;
    answers its run_id. A second click within a minute answers the same run. Raises NotFound,
    Conflict."""
    now = scheduler.now()
    with scheduler.database.read() as tx:
        run = runs.find(tx, run_id)
        if run is None:
            raise NotFound(f"there is no run {run_id!r}; GET /api/runs lists those that exist")
        params = _still_declared(tx, run)
        just_now = runs.by_idempotency_key(tx, run.dag_id, _rerun_key(run_id, now - _SECOND_CLICK))
    if just_now is not None and abs(now - just_now.logical_date) < _SECOND_CLICK:
        return just_now.run_id
    return trigger_run(
        scheduler,
        run.dag_id,
        who=who,
        idempotency_key=_rerun_key(run_id, now),
        note=f"again: {run_id}",
        params=params,
    )[0]


def _still_declared(tx: Transaction, run: Run) -> dict[str, Any]:
    dag = dags.find(tx, run.dag_id)
    if dag is None:
        return run.params
    return keep_declared(definitions.definition(tx, dag.version_id), run.params)


def _rerun_key(run_id: str, moment: datetime) -> str:
    """The idempotency key of a run made again within this minute."""
    return f"again:{run_id}:{moment:%Y%m%d%H%M}"


def set_note(scheduler: SchedulerContext, run_id: str, note: str | None, *, who: str) -> None:
    """What people say about the run. Raises NotFound."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        runs.set_note(work.tx, run.key, note)
        audit(work, who, "note", run_id)
