"""Runs for a range of fire times in the past, made little by little.

A backfill never has more runs that have not ended than its own max_active_runs, and runs of the
schedule go before its waiting ones; so ten thousand dates neither fill the tables nor starve the
schedule.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.fire_times import next_fire_time, previous_fire_time
from chalicelib.dag.states import RunState
from chalicelib.database.queries import backfills, dags, runs
from chalicelib.database.queries.backfills import Backfill
from chalicelib.database.queries.runs import NewRun, Run
from chalicelib.enums import BackfillState, Reprocess, RunType
from chalicelib.errors import OrchestratorError
from chalicelib.scheduler import clearing
from chalicelib.scheduler.clearing import ClearRequest
from chalicelib.scheduler.run_creation import create_run
from chalicelib.scheduler.unit_of_work import UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

MAX_BACKFILLS = 50
MAX_LOOKED_AT = 200
"""Dates that one pass looks at."""


def advance_all(work: UnitOfWork) -> int:
    """Take every running backfill on, should a run's end have been missed; answers the runs
    made."""
    made = 0
    for found in backfills.running(work.tx, MAX_BACKFILLS):
        made += advance(work, found.id)
    return made


def advance(work: UnitOfWork, backfill_id: int) -> int:
    """Make runs up to the backfill's own limit; answers how many."""
    made = 0
    fallback = partial(_cancel, work, backfill_id)
    with work.isolate("a backfill", fallback=fallback, backfill_id=backfill_id):
        made = _create_runs(work, backfill_id)
    return made


def _cancel(work: UnitOfWork, backfill_id: int, reason: str) -> None:
    backfills.set_state(work.tx, backfill_id, BackfillState.CANCELLED, work.now, reason)


def _create_runs(work: UnitOfWork, backfill_id: int) -> int:
    found = backfills.find(work.tx, backfill_id)
    dag = dags.find(work.tx, found.dag_id) if found else None
    if found is None or found.state != BackfillState.RUNNING:
        return 0
    if dag is None or dag.is_removed:
        backfills.set_state(work.tx, found.id, BackfillState.CANCELLED, work.now)
        return 0
    definition = work.definition(dag.version_id)
    active = runs.backfill_count(work.tx, found.id)
    moment, counts, made = found.next_date, dict(found.counts), 0
    for _ in range(MAX_LOOKED_AT):
        if moment is None or active >= found.max_active_runs:
            break
        what = _process_date(work, found, moment)
        counts[what] = counts.get(what, 0) + 1
        active += what in ("made", "cleared")
        made += what == "made"
        moment = _next_date(definition, found, moment)
    else:
        work.outbox.wake(work.now)  # the tick, or this wake-up's pass, goes on
    backfills.move_on(work.tx, found.id, moment, counts)
    if moment is None and active == 0:
        backfills.set_state(work.tx, found.id, BackfillState.DONE, work.now)
    return made


def _process_date(work: UnitOfWork, backfill: Backfill, moment: datetime) -> str:
    """Make, clear, or leave the run of one date. One that is refused, as by a default that is no
    value for its param on that date, does not stand in the way of the next."""
    try:
        existing = runs.by_logical_date(work.tx, backfill.dag_id, moment)
        if existing is not None:
            return _reprocess(work, backfill, existing)
        return _create_run(work, backfill, moment)
    except OrchestratorError as error:
        ids = {"dag_id": backfill.dag_id, "backfill_id": backfill.id, "logical_date": moment}
        log.error("a date of a backfill refused: %s", error.message, extra=ids)
        return "refused"


def _create_run(work: UnitOfWork, backfill: Backfill, moment: datetime) -> str:
    dag = dags.find(work.tx, backfill.dag_id)
    assert dag is not None
    before = previous_fire_time(work.definition(dag.version_id), moment)
    new = NewRun(
        run_type=RunType.BACKFILL,
        logical_date=moment,
        data_interval_start=before or moment,
        data_interval_end=moment,
        not_before=work.now,
        backfill_id=backfill.id,
    )
    return "made" if create_run(work, dag, new) is not None else "left"


def _reprocess(work: UnitOfWork, backfill: Backfill, run: Run) -> str:
    wanted = {
        "none": (),
        Reprocess.FAILED: (RunState.FAILED,),
        Reprocess.ALL: (RunState.FAILED, RunState.SUCCESS, RunState.CANCELLED),
    }[backfill.reprocess]
    if run.state not in wanted or run.is_being_removed:
        return "left"
    request = ClearRequest(run_on_latest_version=backfill.run_on_latest_version)
    if not clearing.clear(work, run, request).is_change:
        return "left"
    runs.adopt(work.tx, run.key, backfill.id)
    return "cleared"


def _next_date(dag: Dag, backfill: Backfill, moment: datetime) -> datetime | None:
    if backfill.is_reverse:
        earlier = previous_fire_time(dag, moment)
        return earlier if earlier is not None and earlier >= backfill.from_date else None
    later = next_fire_time(dag, moment)
    return later if later is not None and later <= backfill.to_date else None
