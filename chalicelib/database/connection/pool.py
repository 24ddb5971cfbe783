"""Connections that wait for their next transaction, for a short time.

Opening costs about ten NFS calls, so a connection is kept; but one that has lain idle while its
sandbox was frozen may have lost its NFS state, so it is not kept for long. It holds no lock
while it waits. There is no thread behind this: the old ones are closed when the next is asked for.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.database.connection import sqlite
from chalicelib.database.connection.clocks import Clocks, Moment, elapsed

IDLE_SECONDS = 5.0
# So that a busy process too moves on to a database that was restored in place of this one.
AGE_SECONDS = 60.0


@dataclass(slots=True)
class Held:
    """A connection, when it was opened, when it was last used, and after how many `close`s."""

    connection: sqlite.Connection
    opened: Moment
    used: Moment
    generation: int


class Pool:
    """Lends each connection to one caller at a time; safe to use from many threads."""

    def __init__(self, open_new: Callable[[], sqlite.Connection], clocks: Clocks) -> None:
        self._open_new = open_new
        self._clocks = clocks
        self._idle: list[Held] = []
        self._generation = 0
        self._lock = threading.Lock()

    def borrow(self) -> Held:
        """The connection that was used last if it is still good, else a new one."""
        now = self._clocks()
        with self._lock:
            good = [held for held in self._idle if self._is_good(held, now)]
            old = [held for held in self._idle if held not in good]
            chosen = good.pop() if good else None
            self._idle = good
        for held in old:
            self.discard(held)
        return self.open() if chosen is None else chosen

    def open(self) -> Held:
        """A new connection."""
        now, generation = self._clocks(), self._generation
        return Held(self._open_new(), now, now, generation)

    def give_back(self, held: Held) -> None:
        """No transaction may be open on it."""
        held.used = self._clocks()
        with self._lock:
            keep = held.generation == self._generation
            if keep:
                self._idle.append(held)
        if not keep:
            self.discard(held)

    def discard(self, held: Held) -> None:
        """Close it, whatever state it is in."""
        with contextlib.suppress(sqlite.Error):
            held.connection.close()

    def close(self) -> None:
        """Close what is idle now, and what is in use when it is given back."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._generation += 1
        for held in idle:
            self.discard(held)

    def _is_good(self, held: Held, now: Moment) -> bool:
        idle, age = elapsed(held.used, now), elapsed(held.opened, now)
        return idle <= IDLE_SECONDS and age <= AGE_SECONDS
