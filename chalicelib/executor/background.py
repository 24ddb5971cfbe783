"""Sends that must not hold up the watch over a command, one after the other, in a thread.

A short command never needs it, so the thread is made at the first job.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextvars import copy_context

from chalicelib.executor.unexpected_errors import unexpected_error

Job = Callable[[], None]


class Background:
    """A job that fails is logged, and those after it are done. One that is still waiting is not put
    in line twice."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: set[Job] = set()
        self._thread: threading.Thread | None = None

    def submit(self, job: Job) -> None:
        if job in self._waiting:
            return
        self._waiting.add(job)
        self._jobs.put(job)
        if self._thread is None:
            # The context carries the ids that log lines bear.
            target = copy_context().run
            self._thread = threading.Thread(target=target, args=(self._work,), daemon=True)
            self._thread.start()

    def is_busy_with(self, job: Job) -> bool:
        """Whether it is in line or in hand."""
        return job in self._waiting

    def finish(self) -> None:
        """Wait until the job in hand and those in line are done."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while job := self._jobs.get():
            try:
                job()
            except Exception as error:
                unexpected_error(error)
            finally:
                self._waiting.discard(job)
