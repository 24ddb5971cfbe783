"""Sandboxes, cold starts, and the share of a processor that memory buys."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.bench.aws.latencies import LATENCIES, fact


@dataclass(frozen=True, slots=True, eq=False)
class Sandbox:
    """One host: whoever wrote to the database last still knows what is in it."""

    function: Function


class Function:
    """A Lambda function. The sandbox that was free last takes the next invocation; if none is free,
    a new one starts."""

    def __init__(self, memory_mb: int, random_: random.Random, *, has_database: bool) -> None:
        self.share = memory_mb / fact("mb_of_a_processor")
        self.cold_starts = 0
        self._free: list[Sandbox] = []
        self._random = random_
        self._has_database = has_database

    def begin(self) -> tuple[Sandbox, float]:
        """Take a sandbox. Returns it, and the seconds until its handler begins."""
        if self._free:
            return self._free.pop(), 0.0
        self.cold_starts += 1
        seconds = LATENCIES["cold_start"].sample(self._random) + fact("own_start_seconds")
        if self._has_database:
            seconds += LATENCIES["efs_mount"].sample(self._random)
        return Sandbox(self), seconds

    def end(self, sandbox: Sandbox) -> None:
        """Give the sandbox back."""
        self._free.append(sandbox)

    def seconds_of(self, processor_seconds: float) -> float:
        """How long that much processor time takes: at full speed within the share of each period,
        and not at all in the rest of it."""
        if self.share >= 1:
            return processor_seconds
        period = fact("processor_period_ms") / 1000
        whole, rest = divmod(processor_seconds, period * self.share)
        return whole * period + rest
