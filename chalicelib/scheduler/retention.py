"""Removes what is past its retention: first the objects of a run, then its rows.

In this order a crash in between leaves rows without objects, which the next tick removes. The other
order would leave objects that nothing refers to. A run is marked first, so that nobody lets it run
again meanwhile.

A round starts every few minutes and continues in every tick until nothing is left, batch after
batch as long as the tick has time. What is removed is bounded by what a transaction can take, not
by a number per day.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.database import Transaction
from chalicelib.database.queries import (
    expired_runs,
    housekeeping,
    notifications,
    task_instances,
)
from chalicelib.database.queries.runs import Run
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

TIME_LIMIT_SECONDS = 20.0
"""For the removal in one tick, which Lambda stops after a minute."""
MAX_RUNS = 500
MAX_TASKS = 1500
"""Task instances that one transaction removes: EFS does that well within the five seconds that it
may be open. A larger run is removed in pieces."""
MAX_ROWS = 1000
MAX_VERSIONS = 100
LISTING_SIZE = 1000
MAX_CONCURRENT_LISTINGS = 16
MAX_LISTINGS = 50
"""Listings of one run in one tick. The next tick continues."""

UNFINISHED = "retention_unfinished"


@dataclass
class Removal:
    """What was removed so far: `count` runs. `failed` holds the keys of runs whose objects could
    not all be deleted, which this tick does not try again."""

    count: int = 0
    tasks_left: int = 0
    failed: list[int] = field(default_factory=list)


def is_unfinished(tx: Transaction) -> bool:
    """Whether the last tick left some of it to the next."""
    return housekeeping.stored_time(tx, UNFINISHED) is not None


def remove_expired(
    scheduler: SchedulerContext,
    seconds: float = TIME_LIMIT_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Removal:
    """Remove expired runs until none is left or the time is over."""
    removal, deadline = Removal(), clock() + seconds
    emptied: list[Run] = []
    has_time = True
    while has_time:
        with unit_of_work(scheduler) as work:
            has_more = _remove(work, emptied, removal)
            has_time = clock() < deadline
            marked = _mark_expired(work, removal) if has_time else []
            _save_progress(
                work, is_unfinished=not has_time or has_more or bool(marked or removal.failed)
            )
        if not marked and not has_more:
            break
        emptied = _delete_objects(scheduler, marked, removal)
    return removal


def _save_progress(work: UnitOfWork, *, is_unfinished: bool) -> None:
    if is_unfinished:
        housekeeping.set_time(work.tx, UNFINISHED, work.now)
    else:
        housekeeping.delete_metadata(work.tx, UNFINISHED)


def _mark_expired(work: UnitOfWork, removal: Removal) -> list[Run]:
    """Mark the next expired runs for removal, those that ended longest ago."""
    days = work.scheduler.settings.retention_days
    expired = expired_runs.expired(work.tx, work.now, days, MAX_RUNS, without=removal.failed)
    marked: list[Run] = []
    tasks = 0
    for run in expired:
        tasks += task_instances.count(work.tx, run.key)
        if marked and tasks > MAX_TASKS:
            break
        expired_runs.mark_for_removal(work.tx, run.key)
        marked.append(run)
    return marked


def _delete_objects(
    scheduler: SchedulerContext, marked: Sequence[Run], removal: Removal
) -> list[Run]:
    """Delete the objects of these runs. Returns the runs without any left."""
    emptied: list[Run] = []
    left = list(marked)
    for _ in range(MAX_LISTINGS):
        left = _delete_first_listing(scheduler, left, emptied)
        if not left:
            break
    removal.failed += [run.key for run in marked if run not in emptied]
    return emptied


def _delete_first_listing(
    scheduler: SchedulerContext, left: Sequence[Run], emptied: list[Run]
) -> list[Run]:
    """Delete what one listing of each run returns. Returns the runs that have more."""

    def listed(run: Run) -> list[str] | None:
        try:
            prefix = f"{run.dag_id}/{run.run_id}/"
            return [info.key for info in scheduler.runs.list(prefix, limit=LISTING_SIZE)]
        except Exception:
            log.exception("the objects of an expired run cannot be listed", extra=run.ids())
            return None

    with ThreadPoolExecutor(MAX_CONCURRENT_LISTINGS) as pool:
        listings = list(zip(left, pool.map(listed, left), strict=True))
    readable = [(run, keys) for run, keys in listings if keys is not None]
    done = _delete(scheduler, readable)
    emptied += [run for run, keys in done if len(keys) < LISTING_SIZE]
    return [run for run, keys in done if len(keys) >= LISTING_SIZE]


def _delete(
    scheduler: SchedulerContext, listings: list[tuple[Run, list[str]]]
) -> list[tuple[Run, list[str]]]:
    """Delete the keys, together or, if that fails, by halves. Returns what was deleted."""
    try:
        scheduler.runs.delete([key for _, keys in listings for key in keys])
    except Exception:
        if len(listings) == 1:
            log.exception(
                "the objects of an expired run cannot be deleted", extra=listings[0][0].ids()
            )
            return []
        half = len(listings) // 2
        return _delete(scheduler, listings[:half]) + _delete(scheduler, listings[half:])
    return listings


def _remove(work: UnitOfWork, emptied: Sequence[Run], removal: Removal) -> bool:
    """Delete the rows of these runs, and whatever else is expired. Returns whether some is left."""
    removal.tasks_left = MAX_TASKS
    for run in emptied:
        if removal.tasks_left <= 0 or work.tx.is_late():
            break
        with work.isolate("an expired run", **run.ids()):
            _remove_run(work, run, removal)
    before = work.now - timedelta(days=work.scheduler.settings.retention_days)
    housekeeping.forget_audit(work.tx)
    return any(
        [
            housekeeping.forget_versions(work.tx, before, MAX_VERSIONS) >= MAX_VERSIONS,
            notifications.forget(work.tx, before, MAX_ROWS) >= MAX_ROWS,
        ]
    )


def _remove_run(work: UnitOfWork, run: Run, removal: Removal) -> None:
    removal.tasks_left -= expired_runs.delete_tasks(work.tx, run.key, removal.tasks_left)
    if removal.tasks_left > 0:
        expired_runs.delete(work.tx, run.key)
        removal.count += 1
