"""What people ask for: a run, a pause."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.dag.schedule import next_fire_time
from chalicelib.database import dags, runs
from chalicelib.database.dags import RegisteredDag
from chalicelib.database.runs import NewRun, Run
from chalicelib.errors import Conflict, NotFound
from chalicelib.scheduler.admission import fill_run_slots, make_run
from chalicelib.scheduler.context import Scheduler, Work, working

_INSTANT = timedelta(microseconds=1)
_TRIES = 100


def request_run(
    scheduler: Scheduler,
    dag_id: str,
    *,
    logical_date: datetime | None = None,
    idempotency_key: str | None = None,
    note: str | None = None,
) -> tuple[str, bool]:
    """Make a run now; answers its run_id and whether it is new. The same key again answers the same
    run. Raises NotFound for no such DAG, Conflict for a removed one or a date that has its run."""
    with working(scheduler) as work:
        dag = dags.find(work.tx, dag_id)
        if dag is None:
            raise NotFound(f"there is no DAG {dag_id!r}; GET /api/dags lists those that exist")
        if idempotency_key is not None:
            earlier = runs.by_idempotency_key(work.tx, dag_id, idempotency_key)
            if earlier is not None:
                return earlier.run_id, False
        if dag.is_removed:
            raise Conflict(
                f"DAG {dag_id!r} cannot run: its file {dag.file_key!r} was removed from the "
                "bucket; upload it again"
            )
        if logical_date is None:
            return _make_now(work, dag, idempotency_key, note).run_id, True
        run = make_run(work, dag, _manual(work, logical_date, idempotency_key, note))
        if run is None:
            taken = runs.by_logical_date(work.tx, dag_id, logical_date)
            raise Conflict(
                f"DAG {dag_id!r} has a run for {logical_date.isoformat()} already:"
                f" {taken.run_id if taken else 'removed just now'}; choose another logical_date"
            )
        return run.run_id, True


def _make_now(work: Work, dag: RegisteredDag, key: str | None, note: str | None) -> Run:
    """For the moment of the request, or the next microsecond that has no run."""
    for nudge in range(_TRIES):
        run = make_run(work, dag, _manual(work, work.now + nudge * _INSTANT, key, note))
        if run is not None:
            return run
    raise Conflict(f"DAG {dag.dag_id!r} has too many runs of this very moment; ask again")


def _manual(work: Work, logical_date: datetime, key: str | None, note: str | None) -> NewRun:
    return NewRun(
        run_type="manual",
        logical_date=logical_date,
        data_interval_start=logical_date,
        data_interval_end=logical_date,
        not_before=work.now,
        idempotency_key=key,
        note=note,
    )


def set_paused(scheduler: Scheduler, dag_id: str, is_paused: bool) -> None:
    """Stop or start the DAG's schedule. An un-paused DAG begins with its next fire time; scheduled
    runs that waited for a slot go on. Raises NotFound or Conflict."""
    with working(scheduler) as work:
        dag = dags.find(work.tx, dag_id)
        if dag is None:
            raise NotFound(f"there is no DAG {dag_id!r}; GET /api/dags lists those that exist")
        if dag.is_removed:
            raise Conflict(
                f"DAG {dag_id!r} cannot be changed: its file {dag.file_key!r} was removed from the "
                "bucket; upload it again"
            )
        if dag.is_paused == is_paused:
            return
        definition = work.definition(dag.version_id)
        next_fire_at = None if is_paused else next_fire_time(definition, work.now)
        dags.set_paused(work.tx, dag_id, is_paused, next_fire_at, work.now)
        work.outbox.wake(next_fire_at)
        registered = dags.find(work.tx, dag_id)
        if registered is not None and not is_paused:
            fill_run_slots(work, registered)
