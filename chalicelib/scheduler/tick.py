"""Once a minute: process what is due, repair what went silent, clean up.

Safe to run late, twice, on two machines at the same time, or not at all for a while. One write
transaction, besides those for files whose events were lost and for what is past its retention.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from chalicelib.database.queries import housekeeping
from chalicelib.errors import OrchestratorError
from chalicelib.scheduler import (
    clock,
    clock_repair,
    file_retention,
    metric_totals,
    notifications,
    problem_notifications,
    registration,
    repair,
    retention,
    sub_dags,
)
from chalicelib.scheduler.claims import ClaimAttempt
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.repair import DeadLetters
from chalicelib.scheduler.transaction import in_one_transaction
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.scheduler")

T = TypeVar("T")

_LAST_ROUND = "last_round"

MAX_ERRORS = 20
"""Isolated errors that the report of one tick lists."""


@dataclass
class Report:
    """What a tick did, as a count for each part, and its errors. A failing part does not stop the
    others."""

    counts: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def count(self, name: str, number: int) -> None:
        if number:
            self.counts[name] = self.counts.get(name, 0) + number

    def part(self, work: UnitOfWork, name: str, part: Callable[[UnitOfWork], int]) -> int:
        """Run one part inside the transaction. If it raises, the other parts still run."""
        number = clock.run_part(work, name, part)
        self.count(name, number)
        return number

    def attempt(self, name: str, step: Callable[[], T], otherwise: T) -> T:
        """Run one part that needs queues or buckets. Its failure is reported, not raised."""
        try:
            return step()
        except OrchestratorError as error:
            log.error("tick: %s failed: %s", name, error.message)
            self.errors.append(f"{name}: {error.message}")
            return otherwise
        except Exception as error:
            log.exception("tick: %s failed", name)
            self.errors.append(f"{name}: internal error: {in_words(error)}")
            return otherwise


@dataclass
class _Gathered:
    """What was read from queues and buckets before the transaction. `is_round`: the parts that look
    at everything run this time; `is_compared`: the whole dags bucket was compared with the
    database; `is_removing`: expired runs are to be removed."""

    letters: DeadLetters = field(default_factory=DeadLetters)
    claims: list[ClaimAttempt] = field(default_factory=list)
    is_round: bool = False
    is_removing: bool = False
    is_compared: bool = True


def tick(scheduler: SchedulerContext) -> Report:
    """Run all parts. Raises only if the database cannot be written."""
    started_at, started_ns = scheduler.now(), time.perf_counter_ns()
    report = Report()
    outside = _gather(scheduler, report, started_at)

    def decide(work: UnitOfWork) -> Report:
        decided = Report({**report.counts}, [*report.errors])
        _decide(work, outside, decided)
        before = housekeeping.last_tick_errors(work.tx)
        problem_notifications.tick_ended(work, before, decided.errors)
        duration_us = (time.perf_counter_ns() - started_ns) // 1000
        housekeeping.record_tick(work.tx, started_at, duration_us, decided.counts, decided.errors)
        return decided

    report = in_one_transaction(scheduler, decide)
    if outside.letters.received:
        report.attempt("dead letters", lambda: _delete_dead_letters(scheduler, outside), None)
    if outside.is_removing:
        report.attempt("retention", lambda: _remove_expired(scheduler, report), None)
    if outside.is_round:
        report.attempt("files", lambda: _clean_files(scheduler, report), None)
    log.info("tick", extra={"counts": report.counts, "errors": report.errors})
    return report


def _remove_expired(scheduler: SchedulerContext, report: Report) -> None:
    """Run last, so that nothing that is due waits for it."""
    removal = retention.remove_expired(scheduler)
    report.count("runs_removed", removal.count)
    if removal.failed:
        failed = len(removal.failed)
        report.errors.append(
            f"retention: not all objects of {failed} expired runs could be deleted"
        )
    if removal.count or removal.failed:
        with scheduler.database.write() as tx:
            housekeeping.amend_tick(tx, report.counts, report.errors)


def _clean_files(scheduler: SchedulerContext, report: Report) -> None:
    """Remove contents of files that no version refers to."""
    differences = file_retention.compare_bucket(scheduler)
    removed = file_retention.remove_unused(scheduler)
    report.count("files_renewed", file_retention.renew(scheduler))
    report.count("files_compared", differences)
    report.count("files_removed", removed)
    if differences or removed:
        with scheduler.database.write() as tx:
            housekeeping.amend_tick(tx, report.counts, report.errors)


def _gather(scheduler: SchedulerContext, report: Report, now: datetime) -> _Gathered:
    """Do all that needs the network, which must not be used inside a transaction."""
    outside = _Gathered()
    with scheduler.database.read() as tx:
        every = timedelta(seconds=scheduler.settings.reconcile_seconds)
        outside.is_round = _is_round_due(housekeeping.stored_time(tx, _LAST_ROUND), every, now)
        outside.is_removing = outside.is_round or retention.is_unfinished(tx)
    letters = report.attempt(
        "dead letters", lambda: repair.receive_dead_letters(scheduler, now), DeadLetters()
    )
    outside.letters, outside.claims = letters, list(letters.claims)
    if outside.is_round:
        changed = report.attempt("reconcile", lambda: registration.reconcile(scheduler), 0)
        report.count("files_registered", changed)
        outside.is_compared = changed < registration.MAX_FILES_PER_ROUND
        outside.claims += report.attempt(
            "abandoned", lambda: repair.claim_untaken(scheduler, now), []
        )
    return outside


def _decide(work: UnitOfWork, outside: _Gathered, report: Report) -> None:
    claims = outside.claims
    report.part(work, "attempts_lost", lambda work: repair.end_untaken(work, claims))
    report.part(work, "attempts_lost", repair.end_silent)
    for name, number in clock.process_due(work).items():
        report.count(name, number)
    report.part(work, "messages_resent", repair.resend)
    report.part(work, "triggering_tasks_ended", sub_dags.end_orphaned_waits)
    report.part(work, "stops_repeated", repair.repeat_stops)
    report.part(work, "notifications_resent", notifications.resend)
    report.part(work, "wakes_scheduled", clock.schedule_wakes)
    report.part(work, "dead_letters", lambda work: _set_aside(work, outside.letters))
    report.part(work, "runs_counted", metric_totals.add_ended)
    if outside.is_round:
        report.part(work, "future_times_corrected", clock_repair.correct_future_times)
        stopped = report.part(work, "runs_stopped", registration.stop_removed)
        is_done = outside.is_compared and stopped < registration.MAX_STOPPED
        if is_done:  # else the next tick continues
            housekeeping.set_time(work.tx, _LAST_ROUND, work.now)
    report.errors += work.isolated_errors[:MAX_ERRORS]


def _set_aside(work: UnitOfWork, letters: DeadLetters) -> int:
    for body, reason in letters.unreadable:
        queue = work.scheduler.settings.dead_letter_queue
        housekeeping.set_aside(work.tx, queue, body, reason, work.now)
    problem_notifications.messages_set_aside(work, [reason for _, reason in letters.unreadable])
    return len(letters.received)


def _is_round_due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether the parts that look at everything, not only at what is due, run this time."""
    # A last round in the future is from before the clock was set back.
    return last is None or not last <= now < last + every


def _delete_dead_letters(scheduler: SchedulerContext, outside: _Gathered) -> None:
    scheduler.dead_letters.delete(outside.letters.received)
