"""How long SQLite's transactions take on EFS: the NFS calls that were counted, one after the other,
and the pages of a large commit, several at a time."""

from __future__ import annotations

import random

from tests.bench.aws.latencies import LATENCIES, fact


class Efs:
    """The file system with the database."""

    def __init__(self, random_: random.Random) -> None:
        self._random = random_

    def commit(self, rows: int, *, is_own: bool) -> float:
        """Seconds of a transaction that changes `rows`; `is_own`: this host wrote last, so it need
        not read again what it has in memory."""
        kind = "own" if is_own else "others"
        pages = rows * fact("efs_pages_per_row")
        writes = fact(f"efs_writes_after_{kind}") + pages / fact("efs_writes_at_once")
        reads = fact(f"efs_calls_after_{kind}") + (0.0 if is_own else pages)
        return self._calls("efs_write", writes) + self._calls("efs_read", reads)

    def read(self) -> float:
        """Seconds of a read of one row."""
        return self._calls("efs_read", fact("efs_calls_of_a_read"))

    def _calls(self, name: str, number: float) -> float:
        latency = LATENCIES[name]
        return sum(latency.sample(self._random) for _ in range(round(number)))
