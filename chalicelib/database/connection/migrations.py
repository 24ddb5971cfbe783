"""Bringing the schema up to date: the files migrations/NNNN_name.sql, in order, each once.

The number of the last one applied is SQLite's `user_version`, which changes in the same
transaction. Old code goes on running beside new code during a deployment, so a
migration only adds, and a database that is newer than the code is used as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.database.connection import sqlite
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from chalicelib.database.connection.transaction import Transaction

DIRECTORY = Path(__file__).parents[1] / "migrations"


class BadMigration(ValueError):
    """A migration file is named wrongly or does not end its last statement."""


@dataclass(frozen=True, slots=True)
class Migration:
    """`number` counts from 1 without a gap."""

    number: int
    name: str
    script: str


def load(directory: Path = DIRECTORY) -> list[Migration]:
    """All migrations of a directory, in order. Raises BadMigration."""
    migrations = [_read(path) for path in sorted(directory.glob("*.sql"))]
    for expected, migration in enumerate(migrations, start=1):
        if migration.number != expected:
            raise BadMigration(f"{migration.name}.sql: expected number {expected:04d} here")
    return migrations


def split(script: str) -> Iterator[str]:
    """The statements of a script, one by one; SQLite itself says where each ends.

    A statement ends at the end of a line. Raises BadMigration if the last one does not end.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite.complete_statement(statement):
            yield statement.strip()
            statement = ""
    rest = [line for line in statement.splitlines() if line.strip() and not line.startswith("--")]
    if rest:
        raise BadMigration(f"a statement is not ended by a semicolon: {rest[0]!r}")


def version(transaction: Transaction) -> int:
    """The number of the last migration that was applied, 0 in an empty database."""
    row = transaction.one("PRAGMA user_version")
    return 0 if row is None else int(row[0])


def check(version: int, least: int) -> None:
    """Raise DatabaseUnusable for a database whose version is less than `least`, and for one that a
    restore has retired, which negates its version."""
    if version < 0:
        raise DatabaseUnusable(
            "The database was replaced by a restore just now: try again. If it goes on, the restore"
            " was interrupted: run it again."
        )
    if version == 0 < least:
        raise DatabaseUnusable(
            "The database file is empty, and was not made by this program: remove it, and let the"
            " program make its own."
        )
    if version < least:
        raise DatabaseUnusable(
            f"The database has schema version {version}, this program needs {least}: migrate it,"
            " as every deployment does."
        )


def apply(transaction: Transaction, migration: Migration) -> bool:
    """Apply one migration unless it was; whether it was applied now."""
    if version(transaction) >= migration.number:
        return False
    transaction.script(split(migration.script))
    transaction.execute(f"PRAGMA user_version={migration.number}")
    return True


def _read(path: Path) -> Migration:
    number = path.name.partition("_")[0]
    if len(number) != 4 or not number.isdecimal():
        raise BadMigration(f"{path.name}: the name must begin with four digits and an underscore")
    return Migration(int(number), path.stem, path.read_text(encoding="utf-8"))
