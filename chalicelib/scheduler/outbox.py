"""What a transaction decides to send. It leaves after the commit, each message for itself."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.enums import Outcome
from chalicelib.errors import OrchestratorError
from chalicelib.messages import (
    Attempt,
    NotificationMessage,
    NotificationResult,
    Result,
    TaskMessage,
    Wake,
)
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage
from chalicelib.scheduler import claims
from chalicelib.utils.errors import in_words

if TYPE_CHECKING:
    from chalicelib.scheduler.context import SchedulerContext

log = logging.getLogger("orchestrator.scheduler")

WAKE_AHEAD = timedelta(seconds=3)
"""A wake-up arrives this long before its moment: time to start cold and to commit."""
TICK_HORIZON = timedelta(seconds=120)
"""How far the tick looks ahead: EventBridge may leave almost two minutes between two ticks."""

MAX_CONCURRENT_STOPS = 16
"""Attempts: each takes up to three requests, and somebody waits for the answer to a cancel."""

MAX_DELAY = 900
"""SQS's own limit, in seconds."""


@dataclass
class Outbox:
    """Messages to send. They leave after the commit: a message for something that
    was rolled back must never exist, and one that is lost on the way is sent again by the tick."""

    now: datetime
    tasks: list[tuple[TaskMessage, datetime, str]] = field(default_factory=list)
    notices: list[tuple[NotificationMessage, str]] = field(default_factory=list)
    wakes: set[int] = field(default_factory=set)
    stops: list[Attempt] = field(default_factory=list)

    def task(self, message: TaskMessage, not_before: datetime, place: str = DEFAULT_PLACE) -> None:
        """Send the attempt to the queue of `place`, a key of `chalicelib.places.PLACES`."""
        self.tasks.append((message, not_before, place))

    def wake(self, moment: datetime | None) -> None:
        """Ask to be woken for `moment`. Farther ahead than the tick looks, the tick will ask."""
        if moment is not None and moment <= self.now + TICK_HORIZON:
            self.wakes.add(math.ceil(moment.timestamp()))

    def wake_after(self, moment: datetime | None) -> None:
        """The same for something that no executor waits for: right after its moment, not before."""
        self.wake(None if moment is None else moment + WAKE_AHEAD)

    def mark(self) -> tuple[int, int, int]:
        """Where it stands now, for `back_to`."""
        return len(self.tasks), len(self.notices), len(self.stops)

    def rewind(self, mark: tuple[int, int, int]) -> None:
        """Forget what came since. Wake-ups stay: one too many finds nothing due."""
        tasks, notices, stops = mark
        del self.tasks[tasks:], self.notices[notices:], self.stops[stops:]

    def send(self, scheduler: SchedulerContext) -> None:
        """Send all. What cannot be sent is logged and left to the tick: the commit stands."""
        for send in (self._send_tasks, self._send_wakes, self._send_stops):
            _try(partial(send, scheduler))

    def _send_tasks(self, scheduler: SchedulerContext) -> None:
        messages: dict[str, list[OutgoingMessage]] = {}
        failed: list[OutgoingMessage] = []
        for task, not_before, place in self.tasks:
            try:
                messages.setdefault(place, []).append(self._task_message(task, not_before))
            except Exception as error:
                log.exception("a task's message cannot be written", extra=task.attempt.ids())
                result = Result(task.attempt, Outcome.FAILED, reason=_encoding_error(error))
                failed.append(OutgoingMessage(result.encode()))
        for notice, dag_id in self.notices:
            try:
                message = OutgoingMessage(notice.encode(), 0, dag_id)
                messages.setdefault(DEFAULT_PLACE, []).append(message)
            except Exception as error:
                log.exception("a notice cannot be written", extra={"dag_id": dag_id})
                told = NotificationResult(notice.id, False, _encoding_error(error))
                failed.append(OutgoingMessage(told.encode()))
        for place, batch in messages.items():
            _try(partial(scheduler.task_queues[place].send, batch))
        if failed:
            scheduler.results.send(failed)

    def _send_wakes(self, scheduler: SchedulerContext) -> None:
        if self.wakes:
            scheduler.results.send([self._wake_message(second) for second in sorted(self.wakes)])

    def _send_stops(self, scheduler: SchedulerContext) -> None:
        if self.stops and (reports := self._stop(scheduler)):
            scheduler.results.send(reports)

    def _task_message(self, message: TaskMessage, not_before: datetime) -> OutgoingMessage:
        # Whole seconds, rounded down: the executor waits out the rest, so that it starts on time.
        ahead = math.floor((not_before - self.now).total_seconds())
        delay = min(max(ahead, 0), MAX_DELAY)
        return OutgoingMessage(message.encode(), delay, message.attempt.dag_id)

    def _wake_message(self, second: int) -> OutgoingMessage:
        # Rounded up: a wake-up that came too early would find nothing due.
        ahead = math.ceil(second - self.now.timestamp() - WAKE_AHEAD.total_seconds())
        return OutgoingMessage(Wake(at=float(second)).encode(), min(max(ahead, 0), MAX_DELAY))

    def _stop(self, scheduler: SchedulerContext) -> list[OutgoingMessage]:
        """Claim what has not begun, so that it never will, and mark the rest to be stopped."""

        def is_kept(attempt: Attempt) -> bool:
            try:
                return claims.stop(scheduler.claims, attempt, self.now)
            except Exception:
                log.exception("not stopped, the tick will ask again", extra=attempt.ids())
                return False

        with ThreadPoolExecutor(MAX_CONCURRENT_STOPS) as pool:
            kept = list(zip(self.stops, pool.map(is_kept, self.stops), strict=True))
        reason = "cancelled before it began"
        results = [
            Result(attempt, Outcome.CANCELLED, reason=reason) for attempt, never in kept if never
        ]
        return [OutgoingMessage(result.encode()) for result in results]


def _try(send: Callable[[], object]) -> None:
    """Send; an error is logged, and keeps nothing from the other queues."""
    try:
        send()
    except OrchestratorError as error:
        log.error("messages not sent, the tick will send them again: %s", error.message)
    except Exception:
        log.exception("messages not sent, the tick will send them again")


def _encoding_error(error: Exception) -> str:
    return f"its message cannot be written: {in_words(error)}"
