"""The messages that a transaction decides to send. They leave after the commit, independently."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
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
"""A wake-up arrives this long before its time: enough for a cold start and a commit."""
TICK_HORIZON = timedelta(seconds=120)
"""How far the tick looks ahead: EventBridge may leave almost two minutes between two ticks."""

MAX_CONCURRENT_STOPS = 16
"""Each takes up to three requests, and a user waits for the response to a cancel."""

NARROW_BATCH = 5
"""As many messages of one queue are handled at once from the start."""

MAX_DELAY = 900
"""SQS's own limit, in seconds."""


@dataclass
class Outbox:
    """Messages to send. They leave after the commit: a message for something that
    was rolled back must never exist, and one that is lost on the way is sent again by the tick."""

    now: datetime
    tasks: list[tuple[TaskMessage, datetime]] = field(default_factory=list)
    notifications: list[tuple[NotificationMessage, str]] = field(default_factory=list)
    wakes: set[int] = field(default_factory=set)
    stops: list[Attempt] = field(default_factory=list)

    def task(self, message: TaskMessage, not_before: datetime) -> None:
        """Send the attempt to the queue of the message's place."""
        self.tasks.append((message, not_before))

    def wake(self, time: datetime | None) -> None:
        """Schedule a wake-up for `time`, unless it is so far ahead that a later tick will."""
        if time is not None and time <= self.now + TICK_HORIZON:
            self.wakes.add(math.ceil(time.timestamp()))

    def wake_after(self, time: datetime | None) -> None:
        """Schedule a wake-up right after `time`, for what must not happen before it."""
        self.wake(None if time is None else time + WAKE_AHEAD)

    def mark(self) -> tuple[int, int, int]:
        """Return the current position, for `rewind`."""
        return len(self.tasks), len(self.notifications), len(self.stops)

    def rewind(self, mark: tuple[int, int, int]) -> None:
        """Drop the messages added since `mark`. Wake-ups stay: a superfluous one finds nothing
        due."""
        tasks, notifications, stops = mark
        del self.tasks[tasks:], self.notifications[notifications:], self.stops[stops:]

    def send(self, scheduler: SchedulerContext) -> None:
        """Send everything. A failure is logged and left to the tick, because the commit stands."""
        for send in (self._send_tasks, self._send_wakes, self._send_stops):
            _try(partial(send, scheduler))

    def _send_tasks(self, scheduler: SchedulerContext) -> None:
        messages: dict[str, list[OutgoingMessage]] = {}
        failed: list[OutgoingMessage] = []
        for task, not_before in self.tasks:
            try:
                messages.setdefault(task.place, []).append(self._task_message(task, not_before))
            except Exception as error:
                log.exception("a task message cannot be encoded", extra=task.attempt.ids())
                result = Result(task.attempt, Outcome.FAILED, reason=_encoding_error(error))
                failed.append(OutgoingMessage(result.encode()))
        for notification, dag_id in self.notifications:
            try:
                message = OutgoingMessage(notification.encode(), 0, dag_id)
                messages.setdefault(DEFAULT_PLACE, []).append(message)
            except Exception as error:
                log.exception("a notification message cannot be encoded", extra={"dag_id": dag_id})
                undelivered = NotificationResult(notification.id, False, _encoding_error(error))
                failed.append(OutgoingMessage(undelivered.encode()))
        for place, batch in _spread(scheduler, messages):
            _try(partial(_send_to, scheduler, place, batch))
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
        """Claim the attempts that have not started, so that they never do, and ask the executors of
        the others to stop them."""

        def is_kept(attempt: Attempt) -> bool:
            try:
                return claims.stop(scheduler.claims, attempt, self.now)
            except Exception:
                log.exception("not stopped; the tick will try again", extra=attempt.ids())
                return False

        with ThreadPoolExecutor(MAX_CONCURRENT_STOPS) as pool:
            kept = list(zip(self.stops, pool.map(is_kept, self.stops), strict=True))
        reason = "cancelled before it began"
        results = [
            Result(attempt, Outcome.CANCELLED, reason=reason) for attempt, never in kept if never
        ]
        return [OutgoingMessage(result.encode()) for result in results]


def _spread(
    scheduler: SchedulerContext, messages: dict[str, list[OutgoingMessage]]
) -> Iterator[tuple[str, list[OutgoingMessage]]]:
    """Yield the places with what is sent there: a wide batch goes to all sizes of Lambda that are
    alike, in turn."""
    for place, batch in messages.items():
        names = scheduler.places.alike(place) if len(batch) > NARROW_BATCH else (place,)
        for number, name in enumerate(names):
            yield name, batch[number :: len(names)]


def _send_to(scheduler: SchedulerContext, place: str, batch: list[OutgoingMessage]) -> None:
    scheduler.task_queues[place].send(batch)


def _try(send: Callable[[], object]) -> None:
    """Send. An error is logged and does not affect the other queues."""
    try:
        send()
    except OrchestratorError as error:
        log.error("messages not sent; the tick will resend them: %s", error.message)
    except Exception:
        log.exception("messages not sent; the tick will resend them")


def _encoding_error(error: Exception) -> str:
    return f"its message cannot be encoded: {in_words(error)}"
