"""Backfills as people ask for them: planned, paused, cancelled. How they go on: backfilling.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.dag.model import Dag
from chalicelib.dag.params import check
from chalicelib.dag.schedule import next_fire_time
from chalicelib.dag.states import RunState
from chalicelib.database import backfills, runs
from chalicelib.database.backfills import Backfill
from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.scheduler import finding
from chalicelib.scheduler.context import Outbox, Scheduler, Work
from chalicelib.scheduler.settle import working
from chalicelib.scheduler.stopping import stop_run

MAX_DATES = 20_000
SHOWN = 100

_INSTANT = timedelta(microseconds=1)

_STATES = {
    "paused": ("running",),
    "running": ("paused",),
    "cancelled": ("running", "paused"),
}


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill will do. `id` is None for a dry run; `dates` are the first hundred fire times
    of `total`; `already` of all of them have a run."""

    id: int | None
    dates: tuple[datetime, ...]
    total: int
    already: int


def create(
    scheduler: Scheduler,
    dag_id: str,
    *,
    who: str,
    from_date: datetime,
    to_date: datetime,
    dry_run: bool = False,
    reprocess: str = "none",
    max_active_runs: int | None = None,
    reverse: bool = False,
) -> BackfillPlan:
    """Plan it and, unless `dry_run`, begin. Both ends belong to the range, which ends now at the
    latest. Raises NotFound, Conflict, InvalidRequest."""
    now = scheduler.now()
    if from_date > now:
        raise InvalidRequest("the backfill's `from` lies in the future; take an earlier one")
    to_date = min(to_date, now)
    with scheduler.database.read() as tx:
        reading = Work(tx, scheduler, Outbox(now), now)
        dag = finding.live_dag(reading, dag_id)
        definition = reading.definition(dag.version_id)
        made = runs.dates_between(tx, dag_id, from_date, to_date)
    # It may take a second, so not in a transaction.
    dates = _dates(definition, from_date, to_date, reverse)
    plan = BackfillPlan(None, tuple(dates[:SHOWN]), len(dates), len(made.intersection(dates)))
    if dry_run:
        return plan
    check(definition, {})  # a param without a default cannot be guessed for each date
    new = Backfill(
        id=0,
        dag_id=dag_id,
        from_date=from_date,
        to_date=to_date,
        next_date=dates[0],
        is_reverse=reverse,
        reprocess=reprocess,
        max_active_runs=max_active_runs or dag.max_active_runs,
        state="running",
        counts={},
    )
    return replace(plan, id=_begin(scheduler, new, len(dates), who))


def _begin(scheduler: Scheduler, new: Backfill, dates: int, who: str) -> int:
    """Make the backfill and its first runs; its id."""
    with working(scheduler) as work:
        most = finding.live_dag(work, new.dag_id).max_active_runs
        new = replace(new, max_active_runs=min(new.max_active_runs, most))
        key = backfills.insert(work.tx, new, work.now)
        about = {"id": key, "dates": dates, "reprocess": new.reprocess}
        finding.audit(work, who, "backfill", new.dag_id, **about)
        work.backfills.add(key)
    return key


def _dates(dag: Dag, first: datetime, last: datetime, is_reverse: bool) -> list[datetime]:
    if first > last:
        raise InvalidRequest("the backfill's `from` lies behind its `to`; exchange them")
    if not dag.schedule:
        raise InvalidRequest("the DAG has no schedule, so a backfill has no dates; ask for runs")
    found: list[datetime] = []
    moment = next_fire_time(dag, first - _INSTANT)
    while moment is not None and moment <= last:
        found.append(moment)
        if len(found) > MAX_DATES:
            raise InvalidRequest(
                f"the backfill has more than {MAX_DATES} dates; take a shorter range"
            )
        moment = next_fire_time(dag, moment)
    if not found:
        raise InvalidRequest("no fire time of the DAG lies between `from` and `to`")
    return found[::-1] if is_reverse else found


def set_state(scheduler: Scheduler, backfill_id: int, state: str, *, who: str) -> None:
    """Pause, resume (`running`) or cancel; a cancelled backfill's runs are cancelled too. Raises
    NotFound, Conflict."""
    with working(scheduler) as work:
        found = backfills.find(work.tx, backfill_id)
        if found is None:
            raise NotFound(f"there is no backfill {backfill_id}; GET /api/backfills lists them")
        if found.state not in _STATES[state]:
            raise Conflict(f"backfill {backfill_id} is {found.state}; it cannot become {state}")
        ended_at = work.now if state == "cancelled" else None
        backfills.set_state(work.tx, backfill_id, state, ended_at)
        if state == "cancelled":
            for run in runs.of_backfill(work.tx, backfill_id, 1000):
                stop_run(work, run, RunState.CANCELLED, f"its backfill was cancelled by {who}")
        elif state == "running":
            work.backfills.add(backfill_id)
        finding.audit(work, who, f"backfill {state}", found.dag_id, id=backfill_id)
