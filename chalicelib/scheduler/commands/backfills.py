"""Commands about backfills: plan, create, pause, resume and cancel them. `backfill_progress`
creates their runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.dag.evaluate.params import resolve_params
from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.fire_times import next_fire_time
from chalicelib.dag.states import RunState
from chalicelib.database.queries import backfill_runs, backfills, run_history
from chalicelib.database.queries.backfills import Backfill
from chalicelib.enums import BackfillState, Reprocess
from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.scheduler.commands import lookup
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.outbox import Outbox
from chalicelib.scheduler.stopping import stop_run
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork

MAX_DATES = 20_000
MAX_DATES_SHOWN = 100

_INSTANT = timedelta(microseconds=1)

MAX_ACTIVE_RUNS = 1000
"""Active runs of one backfill: few enough for one transaction to cancel."""

_STATES = {
    BackfillState.PAUSED: (BackfillState.RUNNING,),
    BackfillState.RUNNING: (BackfillState.PAUSED,),
}


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill will do. `id` is None for a dry run; `dates` holds the first hundred of
    `total` fire times, of which `already` have a run."""

    id: int | None
    dates: tuple[datetime, ...]
    total: int
    already: int


def create(
    scheduler: SchedulerContext,
    dag_id: str,
    *,
    who: str,
    from_date: datetime,
    to_date: datetime,
    dry_run: bool = False,
    reprocess: Reprocess = Reprocess.NONE,
    max_active_runs: int | None = None,
    reverse: bool = False,
    run_on_latest_version: bool | None = None,
    params: Mapping[str, Any] | None = None,
) -> BackfillPlan:
    """Plan a backfill and, unless `dry_run`, start it. The range includes both ends and is cut off
    at the current time. Runs that are processed again continue with the latest version or their
    own, as requested, by default as the DAG says, and keep their params; new ones get `params`.
    Raises NotFound, Conflict, InvalidRequest."""
    now = scheduler.now()
    if from_date > now:
        raise InvalidRequest("the backfill's `from` is in the future; use an earlier date")
    to_date = min(to_date, now)
    with scheduler.database.read() as tx:
        reading = UnitOfWork(tx, scheduler, Outbox(now), now)
        dag = lookup.live_dag(reading, dag_id)
        definition = reading.definition(dag.version_id)
        existing = run_history.dates_between(tx, dag_id, from_date, to_date)
    # Outside a transaction, because it may take a second.
    dates = _dates(definition, from_date, to_date, reverse)
    plan = BackfillPlan(
        None, tuple(dates[:MAX_DATES_SHOWN]), len(dates), len(existing.intersection(dates))
    )
    given = {name: value for name, value in (params or {}).items() if value is not None}
    if given or not dry_run:  # a required param may be filled in after the first preview
        checked = resolve_params(definition, given)
        given = {name: checked[name] for name in given}
    if dry_run:
        return plan
    new = Backfill(
        id=0,
        dag_id=dag_id,
        from_date=from_date,
        to_date=to_date,
        next_date=dates[0],
        is_reverse=reverse,
        reprocess=reprocess,
        max_active_runs=max_active_runs or dag.max_active_runs,
        state=BackfillState.RUNNING,
        counts={},
        run_on_latest_version=(
            definition.rerun_with_latest_version
            if run_on_latest_version is None
            else run_on_latest_version
        ),
        params=given,
    )
    return replace(plan, id=_begin(scheduler, new, len(dates), who))


def _begin(scheduler: SchedulerContext, new: Backfill, dates: int, who: str) -> int:
    """Create the backfill and its first runs. Returns its id."""
    with unit_of_work(scheduler) as work:
        most = lookup.live_dag(work, new.dag_id).max_active_runs
        new = replace(new, max_active_runs=min(new.max_active_runs, most, MAX_ACTIVE_RUNS))
        key = backfills.insert(work.tx, new, work.now)
        details = {"id": key, "dates": dates, "reprocess": new.reprocess}
        audit(work, who, "backfill", new.dag_id, **details)
        work.backfills_to_advance.add(key)
    return key


def _dates(dag: Dag, first: datetime, last: datetime, is_reverse: bool) -> list[datetime]:
    if first > last:
        raise InvalidRequest("the backfill's `from` is later than its `to`; swap them")
    if not dag.schedule:
        raise InvalidRequest(
            "the DAG has no schedule, so there are no dates to backfill; trigger runs instead"
        )
    dates: list[datetime] = []
    date = next_fire_time(dag, first - _INSTANT)
    while date is not None and date <= last:
        dates.append(date)
        if len(dates) > MAX_DATES:
            raise InvalidRequest(
                f"the backfill has more than {MAX_DATES} dates; use a shorter range"
            )
        date = next_fire_time(dag, date)
    if not dates:
        raise InvalidRequest("the DAG has no fire time between `from` and `to`")
    return dates[::-1] if is_reverse else dates


def set_state(
    scheduler: SchedulerContext, backfill_id: int, state: BackfillState, *, who: str
) -> None:
    """Pause a backfill, or resume it (`running`). Raises NotFound, Conflict."""
    with unit_of_work(scheduler) as work:
        backfill = _find(work, backfill_id)
        if backfill.state not in _STATES[state]:
            raise Conflict(f"backfill {backfill_id} is {backfill.state}; it cannot become {state}")
        backfills.set_state(work.tx, backfill_id, state, None)
        if state is BackfillState.RUNNING:
            work.backfills_to_advance.add(backfill_id)
        audit(work, who, f"backfill {state}", backfill.dag_id, id=backfill_id)


def cancel(
    scheduler: SchedulerContext, backfill_id: int, *, who: str, stop_running: bool = False
) -> None:
    """Create no more runs, and cancel those that have not started. Runs that have started finish,
    unless `stop_running`, which may also be requested later. Raises NotFound, Conflict."""
    with unit_of_work(scheduler) as work:
        backfill = _find(work, backfill_id)
        active = [
            run
            for run in backfill_runs.of_backfill(work.tx, backfill_id, MAX_ACTIVE_RUNS)
            if run.stopping is None
        ]
        _check_cancel(backfill, len(active), stop_running=stop_running)
        if backfill.state != BackfillState.CANCELLED:
            backfills.set_state(work.tx, backfill_id, BackfillState.CANCELLED, work.now)
        unwanted = [run for run in active if stop_running or run.state is RunState.QUEUED]
        for run in unwanted:
            stop_run(work, run, RunState.CANCELLED, f"its backfill was cancelled by {who}")
        details = {"id": backfill_id, "stop_running": stop_running, "runs": len(unwanted)}
        audit(work, who, "backfill cancelled", backfill.dag_id, **details)


def _check_cancel(backfill: Backfill, active: int, *, stop_running: bool) -> None:
    if backfill.state in (BackfillState.RUNNING, BackfillState.PAUSED):
        return
    if backfill.state == BackfillState.CANCELLED and active and stop_running:
        return
    is_finishing = backfill.state == BackfillState.CANCELLED and active
    hint = f"; stop_running stops its {active} active runs" if is_finishing else ""
    raise Conflict(f"backfill {backfill.id} is already {backfill.state}{hint}")


def _find(work: UnitOfWork, backfill_id: int) -> Backfill:
    backfill = backfills.find(work.tx, backfill_id)
    if backfill is None:
        raise NotFound(f"there is no backfill {backfill_id}; GET /api/backfills lists them")
    return backfill
