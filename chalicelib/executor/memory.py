"""The peak memory of a command's processes, from /proc while they live.

What `wait4` tells when they are gone is exact only above the executor's own memory, which the
kernel counts in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_FIRST_LOOKS = (0.05, 0.2, 1.0)
_LATER_LOOKS = 5.0
_MOST_PROCESSES = 256
"""So many are looked at in one look; a command that has more is not measured whole."""


class MemoryProbe:
    """`peak` in bytes: of the process below `pid`, itself included, that used most; None while
    nothing was seen. Moments are those of the supervisor's clock."""

    def __init__(self, pid: int, now: float) -> None:
        self.peak: int | None = None
        self._pid = pid
        self._moments = iter([now + seconds for seconds in _FIRST_LOOKS])
        self.due_at = next(self._moments)

    def look(self, now: float) -> None:
        self.due_at = max(next(self._moments, now + _LATER_LOOKS), now)
        seen = [peak for pid in _family(self._pid) if (peak := _peak_of(pid)) is not None]
        if seen:
            self.peak = max(seen + ([self.peak] if self.peak is not None else []))


def _family(pid: int) -> Iterator[int]:
    """`pid` and what descends from it. An orphan is its executor's or init's child, and missed."""
    waiting = [pid]
    for _ in range(_MOST_PROCESSES):
        if not waiting:
            return
        pid = waiting.pop()
        yield pid
        waiting += [int(child) for child in _text(f"/proc/{pid}/task/{pid}/children").split()]


def _peak_of(pid: int) -> int | None:
    # A dead process that nobody has asked for yet has no such line.
    _, label, rest = _text(f"/proc/{pid}/status").partition("VmHWM:")
    return int(rest.split()[0]) * 1024 if label else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
