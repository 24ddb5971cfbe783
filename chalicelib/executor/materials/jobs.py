"""Fetches in parallel, in threads that can be told to stop.

The threads are daemons and are not waited for: one that hangs in a network call must hold up
neither the report of a cancelled attempt nor the end of the process.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import copy_context

Jobs = Iterable[Callable[[], "Jobs | None"]]
"""Each puts something in place, and may return the jobs that follow from it."""

MAX_THREADS = 8


class Stopped(Exception):
    """The job was told to stop; nobody waits for what it does."""


class StopSignal:
    """Tells jobs that nobody waits for them any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def check(self) -> None:
        """Raises Stopped. Jobs call it between two pieces of work."""
        if self._event.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until the signal comes; then it raises Stopped."""
        self._event.wait(seconds)
        self.check()


class JobPool:
    """Runs jobs in up to MAX_THREADS threads. The first one that fails stops the others."""

    def __init__(self, jobs: Jobs, stop: StopSignal) -> None:
        self._stop = stop
        self._changed = threading.Condition()
        self._waiting = deque(jobs)
        self._threads = self._busy = 0
        self._error: Exception | None = None

    def start(self) -> None:
        with self._changed:
            self._add_threads()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; returns whether all jobs are done. Raises what a job raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, seconds)
            if self._error is not None:
                raise self._error
            return self._is_over

    def wait_for_end(self, seconds: float) -> None:
        """Wait up to `seconds` until no job runs any more, whatever became of them."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, seconds)

    @property
    def _is_over(self) -> bool:
        return self._error is not None or not (self._waiting or self._busy)

    def _add_threads(self) -> None:
        for _ in range(min(MAX_THREADS - self._threads, len(self._waiting))):
            # The context carries the ids that log lines bear.
            target = copy_context().run
            threading.Thread(target=target, args=(self._work,), daemon=True).start()
            self._threads += 1

    def _work(self) -> None:
        while (job := self._take()) is not None:
            try:
                self._stop.check()
                following = job()
            except Exception as error:
                self._fail(error)
            else:
                self._done(following or ())

    def _take(self) -> Callable[[], Jobs | None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over)
            if self._is_over:
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _done(self, following: Jobs) -> None:
        with self._changed:
            self._busy -= 1
            self._waiting.extend(following)
            self._add_threads()
            self._changed.notify_all()

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._busy -= 1
            self._error = self._error or error
            self._stop.set()
            self._changed.notify_all()
