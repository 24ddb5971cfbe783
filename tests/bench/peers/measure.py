"""What is measured of a system, and its ratio to four plain threads."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from tests.bench.machine import plain_commands

CHAIN_LENGTH = 10
THREADS = 4
PLAIN_COMMANDS = 400

Span = tuple[float, float]
"""When a task's command started and ended, in seconds since the epoch."""


class Unavailable(Exception):
    """The system cannot be measured here; the text says why."""


@dataclass(frozen=True, slots=True)
class Work:
    """`requested_at` in seconds since the epoch. `wanted` tasks were asked for; `spans` are those
    that ended."""

    requested_at: float
    wanted: int
    spans: Sequence[Span]

    @property
    def tasks_per_s(self) -> float:
        return len(self.spans) / (max(end for _, end in self.spans) - self.requested_at)

    @property
    def gaps_ms(self) -> list[float]:
        """Between the tasks of a chain."""
        ordered = sorted(self.spans)
        return [(after[0] - before[1]) * 1000 for before, after in pairwise(ordered)]


@dataclass(frozen=True, slots=True)
class Idle:
    """Units of 1,000,000 bytes; percent of one core; seconds."""

    resident_mb: float
    processor_percent: float
    first_answer_s: float


class System(Protocol):
    """A system that is up, and whose commands are `true`."""

    def chain(self, length: int) -> Work:
        """Run that many tasks in a row."""

    def fan_out(self, width: int) -> Work:
        """Run one task, then `width`, then one."""

    def many(self, count: int) -> Work:
        """Run that many DAGs of five tasks at once."""

    def idle(self, seconds: float) -> Idle:
        """Watch it for that long."""


def measure(system: System, *, is_quick: bool) -> dict[str, dict[str, Any]]:
    """The figures of each workload, medians where a workload runs more than once."""
    width, count, runs, seconds = (50, 20, 1, 3.0) if is_quick else (500, 200, 3, 20.0)
    idle = system.idle(seconds)
    system.chain(CHAIN_LENGTH)  # the first run of a process also loads code
    return {
        "chain": _median([_of_chain(system.chain) for _ in range(runs)]),
        "fan-out": _median([_of_rate(system.fan_out, width) for _ in range(runs)]),
        "many": _of_rate(system.many, count),
        "idle": {
            "resident_mb": idle.resident_mb,
            "processor_percent": idle.processor_percent,
            "first_answer_s": idle.first_answer_s,
        },
    }


def _of_chain(chain: Callable[[int], Work]) -> dict[str, float]:
    plain_ms = plain_commands(50, 1).wall / 50 * 1000
    threads = _plain_threads()
    work = chain(CHAIN_LENGTH)
    gap = statistics.median(work.gaps_ms)
    return {"gap_ms": gap, "gap_of_one_plain_command": gap / plain_ms, **_rate(work, threads)}


def _of_rate(run: Callable[[int], Work], size: int) -> dict[str, float]:
    threads = _plain_threads()
    return {"size": size, **_rate(run(size), threads)}


def _plain_threads() -> float:
    """Commands a second of four plain threads, now."""
    return PLAIN_COMMANDS / plain_commands(PLAIN_COMMANDS, THREADS).wall


def _rate(work: Work, threads: float) -> dict[str, float]:
    return {
        "tasks_per_s": work.tasks_per_s,
        "of_plain_threads": work.tasks_per_s / threads,
        "four_plain_threads_per_s": threads,
        "share_ended": len(work.spans) / work.wanted,
    }


def _median(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: statistics.median(values[key] for values in rounds) for key in rounds[0]}
