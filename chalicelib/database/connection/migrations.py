"""Schema migrations: the files migrations/NNNN_name.sql, applied in order, each once.

SQLite's `user_version` holds the number of the last one applied and changes in the same
transaction. Old code runs beside new code during a deployment, so a migration only adds, and code
uses a database that is newer than itself. The exception is a migration whose first line is
`-- breaking`: from then on code that does not know it refuses the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.database.connection import sqlite
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from chalicelib.database.connection.transaction import Transaction

DIRECTORY = Path(__file__).parents[1] / "migrations"


BREAKING = "-- breaking"
_LEAST_PROGRAM = 10_000  # user_version = number + this * the last breaking migration's number


class BadMigration(ValueError):
    """A migration file is named wrongly or does not end its last statement."""


@dataclass(frozen=True, slots=True)
class Migration:
    """`number` counts from 1 without a gap."""

    number: int
    name: str
    script: str

    @property
    def is_breaking(self) -> bool:
        """Whether code that does not know this migration must not use the database any more."""
        return self.script.partition("\n")[0].rstrip() == BREAKING


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """What `user_version` holds: the last migration applied, and the last breaking one, 0 if none:
    the least schema version that a program must have been written for."""

    number: int
    least_program: int = 0

    @classmethod
    def decode(cls, user_version: int) -> SchemaVersion:
        least_program, number = divmod(user_version, _LEAST_PROGRAM)
        return cls(number, least_program)

    def encode(self) -> int:
        return self.number + _LEAST_PROGRAM * self.least_program


def load(directory: Path = DIRECTORY) -> list[Migration]:
    """Return all migrations of a directory, in order. Raises BadMigration."""
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


def version(transaction: Transaction) -> SchemaVersion:
    """The schema version of the database; number 0 in an empty one."""
    return SchemaVersion.decode(user_version(transaction))


def user_version(transaction: Transaction) -> int:
    row = transaction.one("PRAGMA user_version")
    return 0 if row is None else int(row["user_version"])


def check(user_version: int, least: int, program: int | None = None) -> None:
    """Raise DatabaseUnusable for a database whose schema is older than `least`, for one that a
    restore has retired, which negates its user_version, and for one with a breaking migration that
    this program, written for schema version `program`, does not know."""
    if user_version < 0:
        raise DatabaseUnusable(
            "The database was replaced by a restore just now: try again. If it goes on, the restore"
            " was interrupted: run it again."
        )
    present = SchemaVersion.decode(user_version)
    if present.number == 0 < least:
        raise DatabaseUnusable(
            "The database file is empty, and was not made by this program: remove it, and let the"
            " program make its own."
        )
    if present.number < least:
        raise DatabaseUnusable(
            f"The database has schema version {present.number}, this program needs {least}: migrate"
            " it, as every deployment does."
        )
    if program is not None and program < present.least_program:
        raise DatabaseUnusable(
            f"The database has schema version {present.number} and needs a program that knows"
            f" version {present.least_program}; this one knows {program}: deploy the newer program."
        )


def apply(transaction: Transaction, migration: Migration) -> bool:
    """Apply one migration unless it was; whether it was applied now."""
    present = version(transaction)
    if present.number >= migration.number:
        return False
    transaction.script(split(migration.script))
    least_program = migration.number if migration.is_breaking else present.least_program
    now = SchemaVersion(migration.number, least_program)
    transaction.execute(f"PRAGMA user_version={now.encode()}")
    return True


def _read(path: Path) -> Migration:
    number = path.name.partition("_")[0]
    if len(number) != 4 or not number.isdecimal():
        raise BadMigration(f"{path.name}: the name must begin with four digits and an underscore")
    script = path.read_text(encoding="utf-8")
    if BREAKING in script.splitlines()[1:]:
        raise BadMigration(f"{path.name}: `{BREAKING}` must be the first line")
    return Migration(int(number), path.stem, script)
