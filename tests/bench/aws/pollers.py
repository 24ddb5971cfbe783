"""Lambda's event source mappings: how many batches of a queue are handled at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chalicelib.ports import ReceivedMessage
from chalicelib.simulation.event_loop import EventLoop
from chalicelib.simulation.memory_queue import MemoryQueue
from tests.bench.aws.latencies import LATENCIES, fact

Handler = Callable[[Sequence[ReceivedMessage], Callable[[], None]], None]
"""Handles a batch, and calls the given function when it is done."""


class EventSourceMapping:
    """Polls `queue`. Five batches are handled at once at first, five more for each second in which
    messages wait, at most `concurrency`; with provisioned pollers, ten for each of them, and more,
    sooner. A batch is handed over after `window_seconds`, or at once if there is none."""

    def __init__(
        self,
        loop: EventLoop,
        random_: random.Random,
        handler: Handler,
        *,
        batch_size: int,
        concurrency: int,
        window_seconds: float = 0.0,
        provisioned: int = 0,
        visibility: float = 5400.0,
    ) -> None:
        self._loop, self._random, self._handler = loop, random_, handler
        self._batch_size, self._concurrency = batch_size, concurrency
        self._window = window_seconds
        self._provisioned = provisioned
        self.queue = MemoryQueue(loop.clock, visibility=visibility, on_visible=self._look_at)
        self._busy = 0
        self._limit = self._at_start
        self._saturated_since: datetime | None = None
        self._used_at = loop.clock()
        self._looks: set[datetime] = set()

    @property
    def _at_start(self) -> float:
        if self._provisioned:
            return self._provisioned * fact("provisioned_per_poller")
        return min(self._concurrency, fact("pollers_at_start"))

    @property
    def _per_second(self) -> float:
        name = "provisioned_per_second" if self._provisioned else "pollers_per_second"
        return fact(name)

    def _look_at(self, time: datetime) -> None:
        """Look at the queue at that time, once for all messages that are visible then."""
        time += timedelta(seconds=self._window)
        if time in self._looks:
            return
        self._looks.add(time)

        def look() -> None:
            self._looks.discard(time)
            self._poll()

        self._loop.at(time, look)

    def _poll(self) -> None:
        self._adjust()
        while self._busy < int(self._limit):
            batch = self.queue.receive(self._batch_size)
            if not batch:
                self._saturated_since = None
                return
            self._hand_over(batch)
        if self._saturated_since is None and self._limit < self._most:
            self._saturated_since = self._loop.clock()
        if self._limit < self._most:
            self._look_at(self._loop.clock() + timedelta(seconds=1 / self._per_second))

    @property
    def _most(self) -> float:
        return min(self._concurrency, fact("most_pollers"))

    def _adjust(self) -> None:
        """Add pollers while messages wait; begin anew after a quiet time."""
        now = self._loop.clock()
        if self._saturated_since is not None:
            waited = (now - self._saturated_since).total_seconds()
            self._limit = min(self._most, self._limit + waited * self._per_second)
            self._saturated_since = now
        elif (now - self._used_at).total_seconds() > fact("pollers_kept_seconds"):
            self._limit = self._at_start
        self._used_at = now

    def _hand_over(self, batch: list[ReceivedMessage]) -> None:
        self._busy += 1

        def done() -> None:
            self._busy -= 1
            self.queue.delete(batch)
            request = LATENCIES["sqs_request"].sample(self._random)
            self._look_at(self._loop.clock() + timedelta(seconds=request))

        delay = LATENCIES["sqs_delivery"].sample(self._random)
        self._loop.after(delay, lambda: self._handler(batch, done))
