"""Waits for a network that is gone: an executor keeps what it has until that has arrived."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from chalicelib.errors import Unavailable

T = TypeVar("T")

log = logging.getLogger("orchestrator.executor")

PATIENCE_SECONDS = 12 * 3600.0
HURRIED_SECONDS = 10.0
"""What is left to it once the executor has to end quickly."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
HURRIED_PAUSE = 1.0


class LongPatience:
    """Implements `chalicelib.executor.patience.Patience`; safe to use from several threads. `clock`
    counts seconds, and `sleep` lets some pass."""

    def __init__(
        self,
        seconds: float = PATIENCE_SECONDS,
        hurried_seconds: float = HURRIED_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._seconds = seconds
        self._hurried_seconds = hurried_seconds
        self._clock = clock
        self._hurry = threading.Event()
        self._sleep = sleep or self._wait
        self._hurried_at = float("inf")

    def __call__(self, action: Callable[[], T]) -> T:
        began, is_logged = self._clock(), False
        for pause in pauses():
            try:
                return action()
            except Unavailable as error:
                if self._clock() + pause >= self._deadline(began):
                    raise
                if not is_logged:
                    log.warning("waiting until it can be reached again: %s", error)
                    is_logged = True
            self._sleep(pause)
        raise AssertionError("there is always another pause")

    def _wait(self, seconds: float) -> None:
        """Sleep, but not on when it is time to hurry."""
        if self._hurry.is_set():
            time.sleep(min(seconds, HURRIED_PAUSE))
        else:
            self._hurry.wait(seconds)

    def hurry(self) -> None:
        """Wait for only a few seconds from now on."""
        self._hurried_at = min(self._hurried_at, self._clock())
        self._hurry.set()

    def _deadline(self, began: float) -> float:
        return min(began + self._seconds, self._hurried_at + self._hurried_seconds)


def pauses() -> Iterator[float]:
    """Pauses between attempts: they double, and no two executors keep step."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        pause = min(pause * 2, LONGEST_PAUSE)
