"""A database for tests that are not about its clocks."""

from __future__ import annotations

from pathlib import Path

from chalicelib.database import Database
from chalicelib.database.connection.clocks import read_clocks
from chalicelib.database.connection.retry import Patience
from tests.support.waiting import HANG_SECONDS


def unhurried(path: Path) -> Database:
    """The database at `path` on clocks that stand still: no transaction is ever too old, however
    much a set-up writes in it and however slow the machine is, and whoever finds the file locked
    waits. What the real limits do is tested in tests/integration/storage."""
    moment = read_clocks()
    return Database(path, patience=Patience(budget=HANG_SECONDS), clocks=lambda: moment)
