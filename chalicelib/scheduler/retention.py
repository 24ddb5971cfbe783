"""Removal of what is older than it needs to be: first the objects of a run, then its rows.

In this order a death in between leaves rows whose objects are gone, which the next round removes;
the other way round would leave objects that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.database import Transaction, housekeeping, notifications, runs, task_instances
from chalicelib.database.runs import Run
from chalicelib.scheduler.context import Scheduler, Work

MAX_RUNS = 50
MAX_TASKS = 5000
"""Task instances of the runs that one round removes, so that EFS does it well within the five
seconds of a transaction; a run that has more goes alone."""
MAX_LISTINGS = 100
MAX_VERSIONS = 100
MAX_NOTIFICATIONS = 1000


def empty_expired(scheduler: Scheduler, now: datetime) -> list[Run]:
    """Delete the objects of the oldest expired runs; answers the runs of which none is left."""
    with scheduler.database.read() as tx:
        days = scheduler.settings.retention_days
        expired = _not_too_many(tx, runs.expired(tx, now, days, MAX_RUNS))
    emptied: list[Run] = []
    listings = MAX_LISTINGS
    for run in expired:
        prefix = f"{run.dag_id}/{run.run_id}/"
        while listings > 0:
            listings -= 1
            found = scheduler.runs.list(prefix, limit=1000)
            scheduler.runs.delete([info.key for info in found])
            if len(found) < 1000:
                emptied.append(run)
                break
    return emptied


def _not_too_many(tx: Transaction, expired: Sequence[Run]) -> list[Run]:
    chosen: list[Run] = []
    tasks = 0
    for run in expired:
        tasks += task_instances.count(tx, run.key)
        if chosen and tasks > MAX_TASKS:
            break
        chosen.append(run)
    return chosen


def remove(work: Work, expired: Sequence[Run]) -> int:
    """Delete the rows of these runs, and old versions that nothing refers to."""
    for run in expired:
        runs.delete(work.tx, run.key)
    before = work.now - timedelta(days=work.scheduler.settings.retention_days)
    housekeeping.forget_versions(work.tx, before, MAX_VERSIONS)
    notifications.forget(work.tx, before, MAX_NOTIFICATIONS)
    housekeeping.forget_audit(work.tx)
    return len(expired)
