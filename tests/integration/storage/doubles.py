"""Clocks that the test holds, and connections that are counted or that fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from chalicelib.database.connection import sqlite
from chalicelib.database.connection.clocks import Moment, read_clocks
from chalicelib.database.connection.sqlite_open import open_connection


class HeldClocks:
    """Three clocks that stand still until told to move."""

    def __init__(self) -> None:
        self.moment = read_clocks()

    def __call__(self) -> Moment:
        return self.moment

    def advance(self, seconds: float, *clocks: str) -> None:
        """Move the clocks named, or all."""
        steps = {name: getattr(self.moment, name) + seconds for name in clocks or Moment.__slots__}
        self.moment = replace(self.moment, **steps)


class Connections:
    """Opens connections as Database does, and remembers them."""

    def __init__(self) -> None:
        self.opened: list[sqlite.Connection] = []

    def __call__(self, path: Path) -> sqlite.Connection:
        self.opened.append(open_connection(path))
        return self.opened[-1]

    def still_open(self) -> int:
        return sum(map(is_open, self.opened))


def is_open(connection: sqlite.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite.ProgrammingError:
        return False
    return True


class Intercepted:
    """A connection whose statements pass through `on_statement(statement, run)`."""

    def __init__(
        self, real: sqlite.Connection, on_statement: Callable[[str, Callable[[], Any]], Any]
    ) -> None:
        self._real = real
        self._on_statement = on_statement

    def execute(self, sql: str, *params: Any) -> Any:
        return self._on_statement(sql, lambda: self._real.execute(sql, *params))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def intercepted(
    real: sqlite.Connection, on_statement: Callable[[str, Callable[[], Any]], Any]
) -> sqlite.Connection:
    return cast("sqlite.Connection", Intercepted(real, on_statement))


def disk_failure() -> Exception:
    """What SQLite raises when the file system fails (SQLITE_IOERR_FSYNC is 10 + 4 * 256)."""
    error = sqlite.OperationalError("disk I/O error")
    error.sqlite_errorcode = 1034
    error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    return error
