"""How long ago was it, when the machine may have been frozen in between.

A Lambda sandbox is frozen between invocations, and a frozen NFS client loses its locks without
being told. No single clock sees every kind of freeze: CLOCK_MONOTONIC stops while a machine
sleeps, CLOCK_BOOTTIME counts that but not always a paused virtual machine, and the wall clock
counts all of it but can be set. So all three are asked and the largest answer counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

# Only Linux has it, and only Linux mounts EFS.
_BOOTTIME: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of the three clocks, in seconds; only `wall` has a known origin (1970, UTC)."""

    monotonic: float
    wall: float
    boot: float


Clocks = Callable[[], Moment]


def read_clocks() -> Moment:
    """The present time."""
    return Moment(time.monotonic(), time.time(), time.clock_gettime(_BOOTTIME))


def elapsed(since: Moment, now: Moment) -> float:
    """Seconds from `since` to `now` by the clock that says most; infinite if one ran backwards,
    because then nobody knows."""
    spans = (now.monotonic - since.monotonic, now.wall - since.wall, now.boot - since.boot)
    return math.inf if min(spans) < 0 else max(spans)
