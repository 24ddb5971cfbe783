"""What executors report: a whole backlog in one transaction.

A report that is late, doubled or of an old attempt changes nothing. One that cannot be applied is
set aside where people can see it, and its neighbours are committed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.dag.retries import retry_at
from chalicelib.dag.states import IN_FLIGHT, RunState, TaskState
from chalicelib.database import IntegrityError, housekeeping, runs, task_instances
from chalicelib.database.runs import Run
from chalicelib.database.task_instances import End, TaskInstance
from chalicelib.database.times import from_epoch
from chalicelib.messages import BadMessage, Heartbeat, Result, Wake, decode_report
from chalicelib.ports import ReceivedMessage
from chalicelib.scheduler.admission import refill
from chalicelib.scheduler.context import Scheduler, Work, working
from chalicelib.scheduler.due import make_due
from chalicelib.scheduler.progress import advance

log = logging.getLogger("orchestrator.scheduler")

_BAD = (ValueError, OverflowError, LookupError, TypeError, IntegrityError)
"""What a report may raise that says something wrong; anything else is a fault of ours or the
disk's, and the whole batch comes again."""


FULL_BATCH = 10
MAX_PULLED = 490


@dataclass(frozen=True, slots=True)
class Applied:
    """How many reports were read, and how many of them were set aside."""

    reports: int
    set_aside: int


def apply_backlog(scheduler: Scheduler, bodies: Sequence[str]) -> Applied:
    """Apply what an invocation was given and, if that was a full batch, what waits behind it in the
    queue: a commit costs the same for one report as for hundreds. Lambda itself gathers more than
    ten messages only by waiting a second for them."""
    pulled = _pull(scheduler) if len(bodies) >= FULL_BATCH else []
    applied = apply(scheduler, [*bodies, *(message.body for message in pulled)])
    if pulled:
        scheduler.results.delete(pulled)
    return applied


def _pull(scheduler: Scheduler) -> list[ReceivedMessage]:
    pulled: list[ReceivedMessage] = []
    while len(pulled) < MAX_PULLED:
        batch = scheduler.results.receive(FULL_BATCH)
        pulled += batch
        if len(batch) < FULL_BATCH:
            break
    return pulled


def apply(scheduler: Scheduler, bodies: Sequence[str]) -> Applied:
    """Apply messages of the results queue. Raises only where none of them was committed."""
    groups: dict[str, list[tuple[str, Heartbeat | Result]]] = {}
    bad: list[tuple[str, str]] = []
    is_woken = False
    for body in bodies:
        try:
            report = decode_report(body)
        except BadMessage as error:
            bad.append((body, str(error)))
            continue
        if isinstance(report, Wake):
            is_woken = True
        else:
            groups.setdefault(report.attempt.run_id, []).append((body, report))
    with working(scheduler) as work:
        for group in groups.values():
            bad += _apply_group(work, group)
        for body, reason in bad:
            log.error("report set aside: %s", reason, extra={"body": body[:500]})
            queue = scheduler.settings.results_queue
            housekeeping.set_aside(work.tx, queue, body, reason, work.now)
        if is_woken:
            make_due(work)
    return Applied(len(bodies), len(bad))


def _apply_group(
    work: Work, group: Sequence[tuple[str, Heartbeat | Result]]
) -> list[tuple[str, str]]:
    """Apply the reports of one run; answers those that had to be set aside, with the reason."""
    try:
        with work.tx.savepoint():
            apply_to_run(work, [report for _, report in group])
        return []
    except _BAD as error:
        if len(group) == 1:
            return [(group[0][0], f"{type(error).__name__}: {error}")]
    bad: list[tuple[str, str]] = []
    for item in group:
        bad += _apply_group(work, [item])
    return bad


def apply_to_run(work: Work, reports: Iterable[Heartbeat | Result]) -> None:
    """Apply reports that are all about one run, then see what follows."""
    touched: Run | None = None
    for report in reports:
        run = work.run(report.attempt.run_id)
        task = task_instances.find(work.tx, report.attempt)
        if run is None or task is None:
            log.warning("report of an unknown task ignored", extra=report.attempt.ids())
            continue
        if isinstance(report, Heartbeat):
            has_ended = _heartbeat(work, run, task, report)
        else:
            has_ended = _result(work, run, task, report)
        if has_ended:
            touched = run
    if touched is not None:
        settle(work, touched)


def settle(work: Work, run: Run) -> None:
    """Something of this run ended: take it on, and give a slot that became free to the next run."""
    if advance(work, run):
        refill(work, run.dag_id)


def _heartbeat(work: Work, run: Run, task: TaskInstance, beat: Heartbeat) -> bool:
    """True if the attempt turned out to be lost."""
    if not _is_current(task, beat):
        return False
    at, started_at = from_epoch(beat.at), from_epoch(beat.started_at)
    silence = timedelta(seconds=work.scheduler.settings.silence_seconds)
    last = max(at, task.heartbeat_at or at)
    if beat.claimed and last + silence <= work.now:
        return end(work, run, task, End("lost", work.now, started_at, reason=_lost(last)))
    if task_instances.beat(work.tx, task, started_at, at, at + silence):
        runs.begin(work.tx, run.key, started_at)
    return False


def _result(work: Work, run: Run, task: TaskInstance, result: Result) -> bool:
    """True if the result was taken."""
    if not _is_current(task, result):
        log.info("late or doubled result ignored", extra=result.attempt.ids())
        return False
    ended = End(
        outcome=result.outcome,
        ended_at=from_epoch(result.ended_at) or work.now,
        started_at=from_epoch(result.started_at),
        exit_code=result.exit_code,
        signal=result.signal,
        max_rss=result.max_rss,
        log_bytes=result.log_bytes,
        reason=result.reason,
    )
    return end(work, run, task, ended)


def _is_current(task: TaskInstance, report: Heartbeat | Result) -> bool:
    return task.state in IN_FLIGHT and task.try_number == report.attempt.try_number


def end(work: Work, run: Run, task: TaskInstance, ended: End) -> bool:
    """Record how an attempt in flight ended and, if it failed and may be tried again, when."""
    target, due_at = _after(work, run, task, ended)
    if not task_instances.end_attempt(work.tx, task, target, ended, due_at):
        return False
    if ended.started_at is not None:
        runs.begin(work.tx, run.key, ended.started_at)
    work.outbox.wake(due_at)
    extra = {**task.attempt.ids(), "outcome": ended.outcome, "state": str(target)}
    log.info("attempt ended: %s", ended.outcome, extra=extra)
    return True


def _after(
    work: Work, run: Run, task: TaskInstance, ended: End
) -> tuple[TaskState, datetime | None]:
    if ended.outcome == "success":
        return TaskState.SUCCESS, None
    if ended.outcome == "cancelled":
        return TaskState.CANCELLED, None
    if run.state in (RunState.QUEUED, RunState.RUNNING):
        definition = work.definition(run.version_id).task(task.task_id)
        due_at = retry_at(definition, task.try_number, ended.ended_at)
        if due_at is not None:
            return TaskState.UP_FOR_RETRY, due_at
    return TaskState.FAILED, None


def _lost(last: datetime) -> str:
    return f"the executor was last heard of at {last:%H:%M:%S} UTC and did not report a result"
