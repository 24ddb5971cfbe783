"""What the tick does for work that went silent, so that no run stays active for ever.

message lost on the way       its attempt has not begun when it should have: send it again
executor died                 no heartbeat for `silence_seconds`: the attempt is lost
nobody ever takes the message not begun after six hours: claim the attempt, then it is lost
message in the dead letters   no executor could handle it: the same, at once
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.dag.states import TaskState
from chalicelib.database import task_instances
from chalicelib.database.runs import Run
from chalicelib.database.task_instances import End, TaskInstance
from chalicelib.messages import Attempt, BadMessage, Heartbeat, TaskMessage
from chalicelib.ports import ReceivedMessage
from chalicelib.scheduler.context import Scheduler, Work
from chalicelib.scheduler.progress import resend_at, send_attempt
from chalicelib.scheduler.results import apply_to_run, end, settle

log = logging.getLogger("orchestrator.scheduler")

MAX_RESENT = 500
MAX_LOST = 500
MAX_DEAD = 100
MAX_ABANDONED = 100
BEGIN_WITHIN = timedelta(hours=6)


@dataclass(frozen=True)
class Finding:
    """An attempt that no executor took. `claimed_at` is None where the claim is now the
    scheduler's, so that it never starts, else the moment (seconds since the epoch) at which it
    started after all."""

    attempt: Attempt
    reason: str
    claimed_at: float | None


@dataclass(frozen=True)
class DeadLetters:
    """`received` are to be deleted after the commit; `unreadable` are (body, reason)."""

    findings: list[Finding] = field(default_factory=list)
    received: list[ReceivedMessage] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def resend(work: Work) -> int:
    """Send again what is queued and has not begun in time. Sending twice is harmless: one claim
    wins."""
    due = task_instances.due(work.tx, TaskState.QUEUED, work.now, MAX_RESENT)
    sent = 0
    for task in due:
        run = work.run(task.attempt.run_id)
        again = resend_at(work.now, task.sends, work.scheduler.settings.resend_seconds)
        if run is not None and task_instances.postpone(work.tx, task, again):
            send_attempt(work, run, task.attempt, task.not_before or work.now)
            sent += 1
    return sent


def end_silent(work: Work) -> int:
    """End the attempts whose executor has gone silent."""
    due = task_instances.due(work.tx, TaskState.RUNNING, work.now, MAX_LOST)
    return _end_lost(work, [(task, _silent(task)) for task in due])


def _silent(task: TaskInstance) -> str:
    last = f"{task.heartbeat_at:%H:%M:%S} UTC" if task.heartbeat_at else "its start"
    return f"the executor went silent: last heard of at {last}"


def end_abandoned(work: Work, findings: Iterable[Finding]) -> int:
    """End the attempts that nobody took; one that did start is watched from its start on."""
    lost: list[tuple[TaskInstance, str]] = []
    for finding in findings:
        task = task_instances.find(work.tx, finding.attempt)
        if task is None or task.try_number != finding.attempt.try_number:
            continue
        if finding.claimed_at is None:
            lost.append((task, finding.reason))
        else:
            at = finding.claimed_at
            apply_to_run(work, [Heartbeat(finding.attempt, started_at=at, at=at, claimed=True)])
    return _end_lost(work, lost)


def _end_lost(work: Work, lost: Sequence[tuple[TaskInstance, str]]) -> int:
    touched: dict[str, Run] = {}
    count = 0
    for task, reason in lost:
        run = work.run(task.attempt.run_id)
        if run is not None and end(work, run, task, End("lost", work.now, reason=reason)):
            touched[run.run_id] = run
            count += 1
    for run in touched.values():
        settle(work, run)
    return count


def abandoned(scheduler: Scheduler, now: datetime) -> list[Finding]:
    """Claim the attempts that were queued hours ago and never began, before anything is decided
    about them: whoever finds the message later will not start the command."""
    with scheduler.database.read() as tx:
        waiting = task_instances.queued_before(tx, now - BEGIN_WITHIN, MAX_ABANDONED)
    hours = BEGIN_WITHIN.total_seconds() / 3600
    reason = f"no executor took the task's message within {hours:g} hours"
    return [claim(scheduler, task.attempt, reason, now) for task in waiting]


def dead_letters(scheduler: Scheduler, now: datetime) -> DeadLetters:
    """What stands in the dead letter queue, each attempt of it claimed."""
    letters = DeadLetters()
    reason = "every executor that took the task's message failed before it could report"
    while len(letters.received) < MAX_DEAD:
        batch = scheduler.dead_letters.receive(10)
        if not batch:
            break
        for message in batch:
            letters.received.append(message)
            try:
                attempt = TaskMessage.decode(message.body).attempt
            except BadMessage as error:
                letters.unreadable.append((message.body, str(error)))
                continue
            letters.findings.append(claim(scheduler, attempt, reason, now))
    return letters


def claim(scheduler: Scheduler, attempt: Attempt, reason: str, now: datetime) -> Finding:
    """Take the attempt's claim, so that its command will never start; or learn when it did
    start."""
    body = json.dumps({"by": "scheduler", "claimed_at": now.timestamp(), "reason": reason})
    if scheduler.runs.create(attempt.claim_key, body.encode()):
        return Finding(attempt, reason, None)
    held = scheduler.runs.get(attempt.claim_key)
    holder = json.loads(held.body) if held else {}
    if holder.get("by") == "scheduler":  # ours, from a tick that died before its commit
        return Finding(attempt, reason, None)
    return Finding(attempt, reason, float(holder.get("claimed_at", 0.0)))
