"""Waits for SQLite's lock, which has no queue.

SQLite asks the NFS server for a lock and is told yes or no; the server keeps no queue. Asking
again quickly (as SQLite's own busy handler does, every millisecond at first) only loads it, and
asking in step with the others loses to them for ever, hence random waits.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait, all in seconds: at most `budget` in all, each time a random span between
    `shortest` and a ceiling that doubles from twice that up to `longest`."""

    budget: float = 10.0
    shortest: float = 0.02
    longest: float = 0.25
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def deadline(self) -> float:
        """Return when a wait that begins now is over, by `clock`."""
        return self.clock() + self.budget


def until_free(
    attempt: Callable[[], T],
    is_busy: Callable[[Exception], bool],
    patience: Patience,
    deadline: float,
) -> T:
    """Call `attempt` until it raises nothing that `is_busy`; whatever else it raises comes through.
    After `deadline` (by the patience's clock) the last busy error comes through too."""
    ceiling = 2 * patience.shortest
    while True:
        try:
            return attempt()
        except Exception as error:
            left = deadline - patience.clock()
            if not is_busy(error) or left <= 0:
                raise
        patience.sleep(min(left, patience.uniform(patience.shortest, ceiling)))
        ceiling = min(2 * ceiling, patience.longest)
