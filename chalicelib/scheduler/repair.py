"""Repairs what went silent, so that no run stays active for ever. Called by the tick.

message lost            its attempt has not started in time: resend the message
executor died           no heartbeat for `silence_seconds`: the attempt is lost
message never received  not started after six hours: claim the attempt, then end it as lost
message dead-lettered   no executor could handle it: claim the attempt and end it at once
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from chalicelib.dag.states import IN_FLIGHT, TaskState
from chalicelib.database.queries import attempts, stop_requests, task_instances
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import Outcome, PlaceKind
from chalicelib.errors import OrchestratorError
from chalicelib.messages import Attempt, Heartbeat, NotificationMessage, decode_task
from chalicelib.places import NoPlace
from chalicelib.ports import ReceivedMessage
from chalicelib.scheduler import forced_end
from chalicelib.scheduler.claims import ClaimAttempt, claim
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.dispatch import resend_at, start_time
from chalicelib.scheduler.results import apply_report, end
from chalicelib.scheduler.task_messages import Undeliverable, task_message
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
    """What the dead-letter queue holds. `received` is to be deleted after the commit; `claims` are
    of its attempts; `unreadable` are (body, reason)."""

    claims: list[ClaimAttempt] = field(default_factory=list)
    received: list[ReceivedMessage] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def resend(work: UnitOfWork) -> int:
    """Resend the messages of attempts that have not started in time. Harmless: only one claim
    wins. Past START_DEADLINE nothing is sent any more, because claims do not last for ever:
    `claim_untaken` ends these attempts."""
    due = task_instances.due(work.tx, TaskState.QUEUED, work.now, MAX_RESENT)
    for task in due:
        fallback = partial(forced_end.fail_unsent, work, task)
        ids = {"fallback": fallback, **task.attempt.ids()}
        with work.isolate("a task message to be resent", **ids):
            _resend(work, task)
    return len(due)


def _resend(work: UnitOfWork, task: TaskInstance) -> None:
    again = resend_at(work.now, task.sends, work.scheduler.settings.resend_seconds)
    is_too_late = task.not_before is not None and task.not_before < work.now - START_DEADLINE
    if not attempts.postpone(work.tx, task, again) or is_too_late:
        return
    run = work.run_of(task)
    not_before = start_time(work, run, task)
    dag = work.definition_of(task, run)
    try:
        message = task_message(work, dag, run, task, task.attempt, not_before)
    except Undeliverable as error:
        end(work, task, End(Outcome.FAILED, work.now, reason=str(error)))
        return
    work.outbox.task(message, not_before)


def recover_after_restart(scheduler: SchedulerContext) -> None:
    """Recover after a restart of the local cloud: treat claimed attempts as lost and make the rest
    due now. Only for callers that know that the queues are empty and no executor is alive but
    workers, whose attempts go on."""
    with scheduler.database.read() as tx:
        queued = task_instances.queued_before(tx, scheduler.now(), MAX_LOST)
    claimed = [task.attempt for task in queued if scheduler.claims.is_taken(task.attempt)]
    with unit_of_work(scheduler) as work:
        for attempt in claimed:
            task = task_instances.find(work.tx, attempt)
            if task is not None and task.attempt == attempt and not _is_with_a_worker(work, task):
                end(work, task, End(Outcome.LOST, work.now, reason="its executor was stopped"))
        running = task_instances.due(work.tx, TaskState.RUNNING, _FAR_FUTURE, MAX_LOST)
        kept = [task.key for task in running if _is_with_a_worker(work, task)]
        attempts.make_due(work.tx, work.now, kept)


_FAR_FUTURE = datetime(9000, 1, 1, tzinfo=UTC)


def _is_with_a_worker(work: UnitOfWork, task: TaskInstance) -> bool:
    """Whether the task runs on a machine that a restart of this one does not concern."""
    try:
        definition = work.definition_of(task, work.run_of(task)).task(task.task_id)
        place = work.scheduler.places.choose(definition.needs, before=definition.place)
    except (LookupError, NoPlace, OrchestratorError):
        return False
    return place.kind is PlaceKind.WORKER


def repeat_stops(work: UnitOfWork) -> int:
    """Repeat pending stop requests, in case a process died before it could send them."""
    pending = stop_requests.pending(work.tx, MAX_STOPS)
    for name in pending:
        fallback = partial(_forget_stop, work, name)
        with work.isolate("a stop request to be repeated", fallback=fallback, attempt=name):
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
    log.error("a stop request that cannot be sent was dropped: %s", reason, extra={"attempt": name})
    stop_requests.forget_name(work.tx, name)


def end_silent(work: UnitOfWork) -> int:
    """End the attempts whose executor has gone silent, as lost."""
    count = 0
    for task in task_instances.due(work.tx, TaskState.RUNNING, work.now, MAX_LOST):
        with work.isolate("an attempt gone silent", **task.attempt.ids()):
            count += end(work, task, End(Outcome.LOST, work.now, reason=_silent(task)))
    return count


def _silent(task: TaskInstance) -> str:
    last = f"{task.heartbeat_at:%H:%M:%S} UTC" if task.heartbeat_at else "its start"
    return f"the executor went silent: last heard from at {last}"


def end_untaken(work: UnitOfWork, claims: Iterable[ClaimAttempt]) -> int:
    """End the attempts that no executor took, as lost. One that did start is watched from now
    on."""
    count = 0
    for claim_attempt in claims:
        with work.isolate("an attempt that no executor took", **claim_attempt.attempt.ids()):
            count += _end_untaken(work, claim_attempt)
    return count


def _end_untaken(work: UnitOfWork, claim_attempt: ClaimAttempt) -> bool:
    """Return whether it ended now."""
    task = task_instances.find(work.tx, claim_attempt.attempt)
    if task is None or task.attempt != claim_attempt.attempt:
        return False
    if claim_attempt.claimed_at is None:
        return end(work, task, End(Outcome.LOST, work.now, reason=claim_attempt.reason))
    at = claim_attempt.claimed_at
    apply_report(work, Heartbeat(claim_attempt.attempt, started_at=at, at=at, claimed=True), {})
    return False


def claim_untaken(scheduler: SchedulerContext, now: datetime) -> list[ClaimAttempt]:
    """Claim the attempts that were queued hours ago and never started, before anything is decided
    about them, so that an executor that receives the message later does not start the command. An
    attempt that cannot be claimed for twice that time is ended without a claim."""
    with scheduler.database.read() as tx:
        waiting = task_instances.queued_before(tx, now - START_DEADLINE, MAX_UNCLAIMED)
    hours = START_DEADLINE.total_seconds() / 3600
    reason = f"no executor took the task's message within {hours:g} hours"
    claims: list[ClaimAttempt] = []
    for task in waiting:
        claimed = _try_claim(scheduler, task.attempt, reason, now)
        if claimed is None and task.not_before and task.not_before < now - 2 * START_DEADLINE:
            claimed = ClaimAttempt(task.attempt, f"{reason}, and it could not be claimed", None)
        claims += [claimed] if claimed else []
    return claims


def _try_claim(
    scheduler: SchedulerContext, attempt: Attempt, reason: str, now: datetime
) -> ClaimAttempt | None:
    """Claim the attempt. Returns None if that failed: the next tick tries again."""
    try:
        return claim(scheduler.claims, attempt, reason, now)
    except Exception:
        log.exception("an attempt that no executor took could not be claimed", extra=attempt.ids())
        return None


def receive_dead_letters(scheduler: SchedulerContext, now: datetime) -> DeadLetters:
    """Receive the dead-letter queue and claim each attempt in it."""
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
    if isinstance(task, NotificationMessage):  # resent anyway until it is confirmed
        letters.received.append(message)
    elif attempt := _try_claim(scheduler, task.attempt, reason, now):
        letters.received.append(message)
        letters.claims.append(attempt)
