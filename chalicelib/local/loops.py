"""The loops that call the entry points: the schedule, bucket events, and the two queues.

Each loop is a thread that no error ends: failures are logged and, as on AWS, the entry point is
invoked again, or the message comes back after its visibility timeout.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chalicelib.local.events import Event, key_of_record
from chalicelib.local.folder_scan import SUFFIXES
from chalicelib.ports import Queue, ReceivedMessage

log = logging.getLogger("orchestrator.local")

LONG_POLL = 20
"""Seconds; SQS's maximum."""
AT_ONCE = 10
"""Messages per receive; SQS's maximum."""
AFTER_ERROR = 1.0
"""Seconds a loop pauses after an error."""

Stop = threading.Event


def start(name: str, step: Callable[[], None], stop: Stop) -> threading.Thread:
    """Call `step` repeatedly in a new thread."""

    def run() -> None:
        while not stop.is_set():
            try:
                step()
            except Exception:
                log.exception("%s failed and goes on", name)
                stop.wait(AFTER_ERROR)

    # A daemon, because it may block where nothing wakes it, and holds nothing that could be lost.
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


class Schedule:
    """Calls `tick` immediately, then at each multiple of `interval` seconds of the wall clock."""

    SLICE = 5.0

    def __init__(self, tick: Callable[[datetime], None], interval: float, stop: Stop) -> None:
        self._tick = tick
        self._interval = interval
        self._stop = stop
        self._next = 0.0

    def step(self) -> None:
        while 0 < (left := self._next - time.time()) <= self._interval:
            # In slices, because a wait does not notice a change of the wall clock.
            if self._stop.wait(min(left, self.SLICE)):
                return
        now = time.time()
        self._next = _following(now, self._interval)
        self._tick(datetime.fromtimestamp(now, UTC))


def _following(now: float, interval: float) -> float:
    return (math.floor(now / interval) + 1) * interval


class BucketEvents:
    """Calls `register` with one S3 event at a time and, like Lambda, retries after an error."""

    ATTEMPTS = 3
    QUIET_SECONDS = 0.3
    LONGEST_WAIT_SECONDS = 3.0
    TOGETHER = 1000

    def __init__(self, register: Callable[[Event], None]) -> None:
        self._register = register
        self._waiting: queue.SimpleQueue[tuple[Event, int]] = queue.SimpleQueue()
        self.settled = threading.Event()
        """Set while no event is waiting."""
        self.settled.set()

    def add(self, event: Event) -> None:
        self.settled.clear()
        self._waiting.put((event, 1))

    def step(self) -> None:
        event, attempt = self._gather()
        try:
            self._register(event)
        except Exception:
            # After the last attempt, the tick's reconciliation takes care of it.
            if attempt < self.ATTEMPTS:
                self._waiting.put((event, attempt + 1))
            raise
        finally:
            if self._waiting.empty():
                self.settled.set()

    def _gather(self) -> tuple[Event, int]:
        """Take an event. One about a file beside DAG files is joined by those that follow soon: a
        folder that is being uploaded makes one version of its DAG, not one for each file."""
        event, attempt = self._waiting.get()
        records = list(event["Records"])
        until = time.monotonic() + self.LONGEST_WAIT_SECONDS
        while _is_beside(records[0]) and len(records) < self.TOGETHER:
            wait = min(self.QUIET_SECONDS, until - time.monotonic())
            try:
                following, attempts = self._waiting.get(timeout=max(0.0, wait))
            except queue.Empty:
                break
            records += following["Records"]
            attempt = max(attempt, attempts)
        return {"Records": records}, attempt


def _is_beside(record: dict[str, Any]) -> bool:
    return not key_of_record(record).endswith(SUFFIXES)


class Results:
    """Passes everything in the results queue to `apply` in one batch.

    While `is_crowded` says that the executors have work waiting, results are not urgent, and a
    short pause lets one commit cover many of them. Otherwise each result is applied immediately.
    """

    PAUSE = 0.04

    def __init__(
        self,
        results: Queue,
        apply: Callable[[list[ReceivedMessage]], None],
        is_crowded: Callable[[], bool],
        stop: Stop,
    ) -> None:
        self._queue = results
        self._apply = apply
        self._is_crowded = is_crowded
        self._stop = stop

    def step(self) -> None:
        batch = self._gather()
        if batch:
            self._apply(batch)
            self._queue.delete(batch)

    def _gather(self) -> list[ReceivedMessage]:
        batch = self._queue.receive(AT_ONCE, wait=LONG_POLL)
        if 0 < len(batch) < AT_ONCE and self._is_crowded():
            self._stop.wait(self.PAUSE)
            batch = batch + self._queue.receive(AT_ONCE - len(batch))
        return batch


class Executors:
    """Invokes `execute` with one message each, up to `parallelism` at a time.

    A received message is hidden from every other executor, so each thread receives one when it is
    free to execute it, and hands it to nobody.
    """

    def __init__(
        self, tasks: Queue, execute: Callable[[ReceivedMessage], None], parallelism: int
    ) -> None:
        self._queue = tasks
        self._execute = execute
        self._parallelism = parallelism
        self._lock = threading.Lock()
        self._busy = 0

    def is_crowded(self) -> bool:
        """Whether messages are waiting for a free thread."""
        return self._busy >= self._parallelism and self._queue.depth().visible > 0

    def start(self, stop: Stop) -> None:
        for number in range(self._parallelism):
            start(f"executor-{number + 1}", self.work, stop)

    def work(self) -> None:
        """Receive one message and execute it."""
        for message in self._queue.receive(1, wait=LONG_POLL):
            self._count_busy(1)
            try:
                self._execute(message)
            finally:
                self._count_busy(-1)
            self._queue.delete([message])

    def _count_busy(self, change: int) -> None:
        with self._lock:
            self._busy += change
