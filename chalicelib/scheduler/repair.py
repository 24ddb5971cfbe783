"""What the tick does for work that went silent, so that no run stays active for ever.

message lost on the way       its attempt has not begun when it should have: send it again
executor died                 no heartbeat for `silence_seconds`: the attempt is lost
nobody ever takes the message not begun after six hours: claim the attempt, then it is lost
message in the dead letters   no executor could handle it: the same, at once
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from chalicelib.dag.states import IN_FLIGHT, TaskState
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.database.queries import attempts, stop_requests, task_instances
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import Outcome
from chalicelib.messages import Attempt, Heartbeat, NotificationMessage, decode_task
from chalicelib.ports import ReceivedMessage
from chalicelib.scheduler import forced_end
from chalicelib.scheduler.claims import ClaimAttempt, claim
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.dispatch import resend_at, start_time
from chalicelib.scheduler.results import apply_report, end
from chalicelib.scheduler.task_messages import task_message
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.scheduler")

MAX_RESENT = 500
MAX_LOST = 500
MAX_DEAD = 100
MAX_UNCLAIMED = 100
MAX_STOPS = 200
START_DEADLINE = timedelta(hours=6)


@dataclass(frozen=True)
class DeadLetters:
    """`received` are to be deleted after the commit; `unreadable` are (body, reason)."""

    findings: list[ClaimAttempt] = field(default_factory=list)
    received: list[ReceivedMessage] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def resend(work: UnitOfWork) -> int:
    """Send again what is queued and has not begun in time. Harmless: one claim wins."""
    due = task_instances.due(work.tx, TaskState.QUEUED, work.now, MAX_RESENT)
    for task in due:
        fallback = partial(forced_end.fail_unsent, work, task)
        ids = {"fallback": fallback, **task.attempt.ids()}
        with work.isolate("a task message to be sent again", **ids):
            _resend(work, task)
    return len(due)


def _resend(work: UnitOfWork, task: TaskInstance) -> None:
    again = resend_at(work.now, task.sends, work.scheduler.settings.resend_seconds)
    if not attempts.postpone(work.tx, task, again):
        return
    run = work.run_of(task)
    not_before = start_time(work, run, task)
    dag = work.definition_of(task, run)
    try:
        message = task_message(work, dag, run, task, task.attempt, not_before)
    except TemplateError as error:
        end(work, task, End(Outcome.FAILED, work.now, reason=str(error)))
        return
    work.outbox.task(message, not_before)


def recover_after_restart(scheduler: SchedulerContext) -> None:
    """For one who knows that the queues are empty and no executor lives, as after the end of a
    cloud in one process: what has begun is lost, and the next tick sends the rest again, instead
    of waiting until they seem so."""
    with scheduler.database.read() as tx:
        queued = task_instances.queued_before(tx, scheduler.now(), MAX_LOST)
    begun = [task.attempt for task in queued if scheduler.claims.is_taken(task.attempt)]
    with unit_of_work(scheduler) as work:
        for attempt in begun:
            task = task_instances.find(work.tx, attempt)
            if task is not None and task.attempt == attempt:
                end(work, task, End(Outcome.LOST, work.now, reason="its executor was stopped"))
        attempts.make_due(work.tx, work.now)


def repeat_stops(work: UnitOfWork) -> int:
    """Ask once more for the end of what is to be stopped, for a process that died before it
    could."""
    pending = stop_requests.pending(work.tx, MAX_STOPS)
    for name in pending:
        fallback = partial(_forget_stop, work, name)
        with work.isolate("a stop to be asked for again", fallback=fallback, attempt=name):
            _repeat_stop(work, name)
    return len(pending)


def _repeat_stop(work: UnitOfWork, name: str) -> None:
    attempt = stop_requests.attempt_of(name)
    work.outbox.stops.append(attempt)
    task = task_instances.find(work.tx, attempt)
    if task is None or task.attempt != attempt or task.state not in IN_FLIGHT:
        stop_requests.forget(work.tx, attempt)
    else:
        stop_requests.asked_again(work.tx, attempt, work.now)


def _forget_stop(work: UnitOfWork, name: str, reason: str) -> None:
    log.error("a stop that cannot be asked for is forgotten: %s", reason, extra={"attempt": name})
    stop_requests.forget_name(work.tx, name)


def end_silent(work: UnitOfWork) -> int:
    """End the attempts whose executor has gone silent."""
    count = 0
    for task in task_instances.due(work.tx, TaskState.RUNNING, work.now, MAX_LOST):
        with work.isolate("an attempt gone silent", **task.attempt.ids()):
            count += end(work, task, End(Outcome.LOST, work.now, reason=_silent(task)))
    return count


def _silent(task: TaskInstance) -> str:
    last = f"{task.heartbeat_at:%H:%M:%S} UTC" if task.heartbeat_at else "its start"
    return f"the executor went silent: last heard of at {last}"


def end_unclaimed(work: UnitOfWork, findings: Iterable[ClaimAttempt]) -> int:
    """End the attempts that nobody took; one that did start is watched from its start on."""
    count = 0
    for finding in findings:
        with work.isolate("an attempt that nobody took", **finding.attempt.ids()):
            count += _end_unclaimed(work, finding)
    return count


def _end_unclaimed(work: UnitOfWork, finding: ClaimAttempt) -> bool:
    """Whether it ended now."""
    task = task_instances.find(work.tx, finding.attempt)
    if task is None or task.attempt != finding.attempt:
        return False
    if finding.claimed_at is None:
        return end(work, task, End(Outcome.LOST, work.now, reason=finding.reason))
    at = finding.claimed_at
    apply_report(work, Heartbeat(finding.attempt, started_at=at, at=at, claimed=True))
    return False


def abandoned(scheduler: SchedulerContext, now: datetime) -> list[ClaimAttempt]:
    """Claim the attempts that were queued hours ago and never began, before anything is decided
    about them: whoever finds the message later will not start the command. One whose claim cannot
    be had for as long again is lost without it."""
    with scheduler.database.read() as tx:
        waiting = task_instances.queued_before(tx, now - START_DEADLINE, MAX_UNCLAIMED)
    hours = START_DEADLINE.total_seconds() / 3600
    reason = f"no executor took the task's message within {hours:g} hours"
    found: list[ClaimAttempt] = []
    for task in waiting:
        claimed = _try_claim(scheduler, task.attempt, reason, now)
        if claimed is None and task.not_before and task.not_before < now - 2 * START_DEADLINE:
            claimed = ClaimAttempt(task.attempt, f"{reason}, and it could not be claimed", None)
        found += [claimed] if claimed else []
    return found


def _try_claim(
    scheduler: SchedulerContext, attempt: Attempt, reason: str, now: datetime
) -> ClaimAttempt | None:
    """None where the claim could not be written or read: the next tick asks again."""
    try:
        return claim(scheduler.claims, attempt, reason, now)
    except Exception:
        log.exception("an attempt that nobody took was not claimed", extra=attempt.ids())
        return None


def dead_letters(scheduler: SchedulerContext, now: datetime) -> DeadLetters:
    """What stands in the dead letter queue, each attempt of it claimed."""
    letters = DeadLetters()
    reason = "every executor that took the task's message failed before it could report"
    for _ in range(MAX_DEAD // 10):
        batch = scheduler.dead_letters.receive(10)
        if not batch:
            break
        for message in batch:
            _read_dead_letter(scheduler, letters, message, reason, now)
    return letters


def _read_dead_letter(
    scheduler: SchedulerContext,
    letters: DeadLetters,
    message: ReceivedMessage,
    reason: str,
    now: datetime,
) -> None:
    try:
        task = decode_task(message.body)
    except Exception as error:
        letters.received.append(message)
        letters.unreadable.append((message.body, in_words(error)))
        return
    if isinstance(task, NotificationMessage):  # a notice that nobody confirms is sent again anyway
        letters.received.append(message)
    elif found := _try_claim(scheduler, task.attempt, reason, now):
        letters.received.append(message)
        letters.findings.append(found)
