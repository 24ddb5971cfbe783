"""A real SQLite file that need not survive this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.database import Database
from chalicelib.database.connection.clocks import read_clocks
from chalicelib.database.connection.sqlite_open import open_connection

OnOpen = Callable[[Any], object]


def throwaway_database(path: Path, on_open: OnOpen | None = None) -> Database:
    """A Database at `path`, not yet created. Its clocks stand still, so that no transaction is too
    old however slow the machine is, and nothing is written through to the disk. `on_open` is called
    with each connection."""
    moment = read_clocks()

    def connect(file: Path) -> Any:
        connection = open_connection(file)
        connection.execute("PRAGMA synchronous = OFF").close()
        if on_open is not None:
            on_open(connection)
        return connection

    return Database(path, clocks=lambda: moment, connect=connect)
