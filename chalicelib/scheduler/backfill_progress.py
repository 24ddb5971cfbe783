"""Creates the runs of backfills, a few at a time.

A backfill never has more active runs than its own max_active_runs, and scheduled runs are admitted
before its waiting ones. So ten thousand dates neither fill the tables nor starve the schedule.
"""

from __future__ import annotations

import logging
from datetime import datetime
from enum import StrEnum
from functools import partial

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.fire_times import next_fire_time, previous_fire_time
from chalicelib.dag.states import RunState
from chalicelib.database.queries import backfill_runs, backfills, dags, runs
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
MAX_DATES = 200
"""Dates that one pass processes."""


class DateOutcome(StrEnum):
    """What became of one date of a backfill. The backfill counts them by these words."""

    CREATED = "created"
    CLEARED = "cleared"
    SKIPPED = "skipped"
    REJECTED = "rejected"


def advance_all(work: UnitOfWork) -> int:
    """Advance every running backfill, in case the end of a run was missed. Returns the number of
    runs created."""
    created = 0
    for backfill in backfills.running(work.tx, MAX_BACKFILLS):
        created += advance(work, backfill.id)
    return created


def advance(work: UnitOfWork, backfill_id: int) -> int:
    """Create runs up to the backfill's own limit. Returns how many."""
    created = 0
    fallback = partial(_cancel, work, backfill_id)
    with work.isolate("a backfill", fallback=fallback, backfill_id=backfill_id):
        created = _create_runs(work, backfill_id)
    return created


def _cancel(work: UnitOfWork, backfill_id: int, reason: str) -> None:
    backfills.set_state(work.tx, backfill_id, BackfillState.CANCELLED, work.now, reason)


def _create_runs(work: UnitOfWork, backfill_id: int) -> int:
    backfill = backfills.find(work.tx, backfill_id)
    dag = dags.find(work.tx, backfill.dag_id) if backfill else None
    if backfill is None or backfill.state != BackfillState.RUNNING:
        return 0
    if dag is None or dag.is_removed:
        backfills.set_state(work.tx, backfill.id, BackfillState.CANCELLED, work.now)
        return 0
    definition = work.definition(dag.version_id)
    active = backfill_runs.backfill_count(work.tx, backfill.id)
    date, counts, created = backfill.next_date, dict(backfill.counts), 0
    for _ in range(MAX_DATES):
        if date is None or active >= backfill.max_active_runs:
            break
        outcome = _process_date(work, backfill, date)
        counts[outcome.value] = counts.get(outcome.value, 0) + 1
        active += outcome in (DateOutcome.CREATED, DateOutcome.CLEARED)
        created += outcome is DateOutcome.CREATED
        date = _next_date(definition, backfill, date)
    else:
        work.outbox.wake(work.now)  # the tick or this wake-up continues
    backfills.move_on(work.tx, backfill.id, date, counts)
    if date is None and active == 0:
        backfills.set_state(work.tx, backfill.id, BackfillState.DONE, work.now)
    return created


def _process_date(work: UnitOfWork, backfill: Backfill, date: datetime) -> DateOutcome:
    """Create, clear or skip the run of one date. A date that is rejected, for example because a
    param's default is invalid on that date, does not block the next."""
    try:
        existing = runs.by_logical_date(work.tx, backfill.dag_id, date)
        if existing is not None:
            return _reprocess(work, backfill, existing)
        return _create_run(work, backfill, date)
    except OrchestratorError as error:
        ids = {"dag_id": backfill.dag_id, "backfill_id": backfill.id, "logical_date": date}
        log.error("a date of a backfill was rejected: %s", error.message, extra=ids)
        return DateOutcome.REJECTED


def _create_run(work: UnitOfWork, backfill: Backfill, date: datetime) -> DateOutcome:
    dag = dags.find(work.tx, backfill.dag_id)
    assert dag is not None
    before = previous_fire_time(work.definition(dag.version_id), date)
    new = NewRun(
        run_type=RunType.BACKFILL,
        logical_date=date,
        data_interval_start=before or date,
        data_interval_end=date,
        not_before=work.now,
        backfill_id=backfill.id,
        params=backfill.params,
    )
    run = create_run(work, dag, new)
    return DateOutcome.SKIPPED if run is None else DateOutcome.CREATED


def _reprocess(work: UnitOfWork, backfill: Backfill, run: Run) -> DateOutcome:
    wanted = {
        "none": (),
        Reprocess.FAILED: (RunState.FAILED,),
        Reprocess.ALL: (RunState.FAILED, RunState.SUCCESS, RunState.CANCELLED),
    }[backfill.reprocess]
    if run.state not in wanted or run.is_being_removed:
        return DateOutcome.SKIPPED
    request = ClearRequest(run_on_latest_version=backfill.run_on_latest_version)
    if not clearing.clear(work, run, request).is_change:
        return DateOutcome.SKIPPED
    backfill_runs.adopt(work.tx, run.key, backfill.id)
    return DateOutcome.CLEARED


def _next_date(dag: Dag, backfill: Backfill, date: datetime) -> datetime | None:
    if backfill.is_reverse:
        earlier = previous_fire_time(dag, date)
        return earlier if earlier is not None and earlier >= backfill.from_date else None
    later = next_fire_time(dag, date)
    return later if later is not None and later <= backfill.to_date else None
