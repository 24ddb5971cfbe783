"""The executor's side of the protocol (claim, heartbeat, result) without running a command: what an
attempt does is a function of its message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from chalicelib.claims import Claim
from chalicelib.enums import Claimant, Outcome
from chalicelib.messages import (
    Attempt,
    Heartbeat,
    NotificationMessage,
    NotificationResult,
    Result,
    StoredArtifact,
    TaskMessage,
    decode_task,
)
from chalicelib.ports import Claims, ReceivedMessage
from chalicelib.simulation.event_loop import EventLoop
from chalicelib.simulation.virtual_clock import at_epoch


@dataclass(frozen=True)
class ScriptedOutcome:
    """What an attempt does. `outcome` None: it dies without a word after `seconds`; `is_heard`
    False: it dies before its first heartbeat, too. `log` is all that the command writes."""

    outcome: Outcome | None = Outcome.SUCCESS
    seconds: float = 0.1
    exit_code: int | None = 0
    outputs: dict[str, Any] = field(default_factory=dict)
    is_heard: bool = True
    is_transient: bool = False
    is_permanent: bool = False
    reason: str = ""
    log: str | None = None
    cause: str = ""

    @classmethod
    def of_exit_code(cls, exit_code: int, **values: Any) -> ScriptedOutcome:
        """Return the end of a command with `exit_code`; what the task makes of the code is decided
        when it is known."""
        outcome = Outcome.SUCCESS if exit_code == 0 else Outcome.FAILED
        return cls(outcome=outcome, exit_code=exit_code, **values)

    def within(self, task: TaskMessage) -> ScriptedOutcome:
        """What the executor makes of it: the task's time limit and its codes that mean
        "skipped"."""
        if task.timeout is not None and self.outcome is not None and self.seconds > task.timeout:
            reason = f"took longer than execution_timeout ({task.timeout:g} s)"
            return replace(
                self,
                outcome=Outcome.TIMEOUT,
                seconds=task.timeout,
                exit_code=None,
                outputs={},
                reason=reason,
            )
        if self.outcome == Outcome.FAILED and self.exit_code in task.skip_exit_codes:
            return replace(self, outcome=Outcome.SKIPPED, outputs={})
        return self


Script = Callable[[TaskMessage], ScriptedOutcome]
Delivery = Callable[[NotificationMessage], NotificationResult]


def delivered(notification: NotificationMessage) -> NotificationResult:
    """The result of a notification that arrived."""
    return NotificationResult(notification.id, is_delivered=True)


class ScriptedExecutor:
    """Takes any number of attempts at once. Each claims, says that it runs, and reports when its
    script says so. `deliver` decides what becomes of a notification.

    `started` lists the attempts with the times at which they began, `running` those under way with
    the times at which they end, `notified` the notifications.
    """

    def __init__(
        self,
        loop: EventLoop,
        claims: Claims,
        report: Callable[[str], object],
        script: Script,
        deliver: Delivery = delivered,
    ) -> None:
        self.loop, self.claims, self.report = loop, claims, report
        self.script, self.deliver = script, deliver
        self.started: list[tuple[datetime, TaskMessage]] = []
        self.running: list[tuple[datetime, Result]] = []
        self.notified: list[NotificationMessage] = []

    def take(self, message: ReceivedMessage) -> None:
        """Take a message of a tasks queue."""
        task = decode_task(message.body)
        if isinstance(task, NotificationMessage):
            self.notified.append(task)
            self.report(self.deliver(task).encode())
            return
        claim = Claim(Claimant.EXECUTOR, self.loop.clock().timestamp())
        standing = self.claims.take(task.attempt, claim)
        if standing is not None:
            self._lose(task.attempt, standing)
            return
        begins = max(self.loop.clock(), at_epoch(task.not_before or 0.0))
        self._run(task, begins, self.script(task).within(task))

    def _run(self, task: TaskMessage, begins: datetime, scripted: ScriptedOutcome) -> None:
        self.started.append((begins, task))
        if scripted.is_heard:
            at = begins.timestamp()
            self.report(Heartbeat(task.attempt, started_at=at, at=at).encode())
        if scripted.outcome is None:
            return
        ends = begins + timedelta(seconds=scripted.seconds)
        log = scripted.log if task.log_in_result else None
        result = Result(
            task.attempt,
            scripted.outcome,
            started_at=begins.timestamp(),
            ended_at=ends.timestamp(),
            exit_code=scripted.exit_code,
            outputs=scripted.outputs,
            is_transient=scripted.is_transient,
            is_permanent=scripted.is_permanent,
            reason=scripted.reason,
            cause=scripted.cause,
            log=log,
            log_bytes=len((log or "").encode()),
            artifacts=_artifacts(task) if scripted.outcome == Outcome.SUCCESS else [],
        )
        self.end_at(ends, result)

    def end_at(self, ends: datetime, result: Result) -> None:
        """Report the result of an attempt under way at that time."""
        self.running.append((ends, result))
        self.loop.at(ends, self.finish_due)

    def _lose(self, attempt: Attempt, standing: Claim) -> None:
        if standing.by is Claimant.SCHEDULER:
            self.report(Result(attempt, Outcome.CANCELLED).encode())
        else:
            at = standing.claimed_at
            self.report(Heartbeat(attempt, started_at=at, at=at, claimed=True).encode())

    def finish_due(self) -> None:
        """Report the attempts that have ended, and those that are asked to stop."""
        now = self.loop.clock()
        self._cancel(now)
        done = [item for item in self.running if item[0] <= now]
        if done:
            self.running = [item for item in self.running if item[0] > now]
        for _, result in done:
            self.report(result.encode())

    def _cancel(self, now: datetime) -> None:
        for item in list(self.running):
            if self.claims.is_cancel_requested(item[1].attempt):
                self.running.remove(item)
                result = replace(item[1], outcome=Outcome.CANCELLED, ended_at=now.timestamp())
                self.report(replace(result, exit_code=None, outputs={}).encode())


def _artifacts(task: TaskMessage) -> list[StoredArtifact]:
    """Return the artifacts that the task promises, empty."""
    return [
        StoredArtifact(name, path.rpartition("/")[2], 0, sha256(b"").hexdigest())
        for name, path in task.artifacts.items()
    ]
