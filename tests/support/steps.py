"""Counts the steps of SQLite's virtual machine: what a statement costs, on any machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chalicelib.database import Database
from chalicelib.database.connection import sqlite
from chalicelib.database.connection.sqlite_open import open_connection

GRAIN = 20


@dataclass
class Steps:
    """How many steps the connections that `connect` opened have taken so far, to within GRAIN for
    each statement. Reading or skipping one row takes some three to ten."""

    count: int = 0

    def connect(self, path: Path) -> sqlite.Connection:
        """Open a connection whose steps are counted: an argument of Database."""
        connection = open_connection(path)
        connection.set_progress_handler(self._add, GRAIN)
        return connection

    def of(self, action: Callable[[], object]) -> int:
        """The steps that one call takes."""
        before = self.count
        action()
        return self.count - before

    def _add(self) -> int:
        self.count += GRAIN
        return 0  # go on


@contextmanager
def counted(path: Path) -> Iterator[tuple[Database, Steps]]:
    """The database at `path`, and a count of its steps."""
    steps = Steps()
    database = Database(path, connect=steps.connect)
    try:
        yield database, steps
    finally:
        database.close()
