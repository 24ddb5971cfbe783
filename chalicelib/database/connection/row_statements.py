"""Statements that change one row, and the form of each that changes many rows at once.

SQLite begins every statement by building what CHECKs and partial indexes compare a state with. For
a row of `task_instances` that takes longer than the change itself, so a hundred rows in one
statement take less than half the time of a hundred statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

_SIZES = (128, 64, 32, 16, 8, 7, 6, 5, 4, 3, 2, 1)
"""Rows in one statement. Few different sizes, because each is compiled once for a connection."""
_RUNS = re.compile(r"\bruns\b")


@dataclass(frozen=True, slots=True, eq=False)
class RowStatement:
    """`single` changes one row, given `width` values in order. `multiple` changes several, with
    `%s` where their values go. `is_exact`: each row given changes exactly one row of `table`."""

    table: str
    width: int
    single: str
    multiple: str
    is_exact: bool = True


def update_of_rows(
    table: str, columns: Sequence[str], template: str, *, is_exact: bool = True
) -> RowStatement:
    """Return the UPDATE whose `template` names each value as {column}, and has {rows} between its
    assignments and its WHERE."""
    single = {name: f"?{number}" for number, name in enumerate(columns, start=1)}
    # A statement that began with WITH would not be counted as a change by Python's sqlite3.
    multiple = {name: f"given.column{number}" for number, name in enumerate(columns, start=1)}
    return RowStatement(
        table,
        len(columns),
        f"UPDATE {table} " + template.format(rows="", **single),
        f"UPDATE {table} " + template.format(rows="FROM (VALUES %s) AS given", **multiple),
        is_exact,
    )


def insert_of_rows(
    table: str, columns: Sequence[str], *, on_conflict: str = "", is_exact: bool = True
) -> RowStatement:
    """Return the INSERT of rows with these columns."""
    template = f"INSERT INTO {table} ({', '.join(columns)}) VALUES %s {on_conflict}".rstrip()
    marks = ", ".join("?" * len(columns))
    single = template.replace("%s", f"({marks})")
    return RowStatement(table, len(columns), single, template, is_exact)


def in_statements(
    statement: RowStatement, rows: Sequence[Sequence[Any]]
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the statements that change these rows, and the values of each."""
    first = 0
    while first < len(rows):
        size = next(size for size in _SIZES if size <= len(rows) - first)
        values = list(chain.from_iterable(rows[first : first + size]))
        yield _text(statement, size), values
        first += size


@lru_cache(maxsize=256)
def _text(statement: RowStatement, size: int) -> str:
    if size == 1:
        return statement.single
    marks = ", ".join("?" * statement.width)
    return statement.multiple.replace("%s", ", ".join([f"({marks})"] * size))


@lru_cache(maxsize=1024)
def may_see(sql: str, tables: tuple[str, ...]) -> bool:
    """Whether a statement may read or change rows of the tables. Removing a run removes what
    belongs to it."""
    return any(table in sql for table in tables) or "DELETE FROM runs" in sql


@lru_cache(maxsize=1024)
def may_change_runs(sql: str) -> bool:
    """Whether a statement that changes something may change a row of `runs` that was there."""
    return bool(_RUNS.search(sql)) and not sql.lstrip().startswith("INSERT INTO runs")
