"""How the program fares: import errors, ticks, health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us
from chalicelib.database.index_predicates import DAGS_WITH_WARNINGS
from chalicelib.database.reads.dag_values import DagImportError, DagWarnings
from chalicelib.database.reads.operation_values import Tick
from chalicelib.database.reads.page import Page
from chalicelib.database.row_builder import build_readable

IMPORT_ERRORS = """
    SELECT e.file_key, f.dag_id, e.problems, e.lines, e.recorded_at
    FROM import_errors e CROSS JOIN dag_files f ON f.file_key = e.file_key
    WHERE e.file_key > ? ORDER BY e.file_key LIMIT ?
"""
DAG_WARNINGS = f"""
    SELECT dag_id, file_key, warnings, updated_at
    FROM dags INDEXED BY dags_with_warnings
    WHERE {DAGS_WITH_WARNINGS} AND dag_id > ? ORDER BY dag_id LIMIT ?
"""
TICKS = """
    SELECT id, started_at, duration_us / 1e6 AS duration, counts, errors
    FROM ticks WHERE id < ? ORDER BY id DESC LIMIT ?
"""
# The tables counted here are kept short by those who write them.
VITAL_SIGNS = """
    SELECT (SELECT coalesce(max(seq), 0) FROM commits) AS commit_seq,
           (SELECT started_at FROM ticks ORDER BY id DESC LIMIT 1) AS last_tick_at,
           (SELECT count(*) FROM dead_letters) AS dead_letters,
           (SELECT count(*) FROM import_errors) AS import_errors
"""


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """What the database knows of the program's health; `commit_seq` is of the last commit."""

    commit_seq: int
    last_tick_at: datetime | None
    dead_letters: int
    import_errors: int


def import_errors(
    tx: Transaction, *, limit: int, after: str | None = None
) -> Page[DagImportError, str]:
    """Files that could not be registered, by key."""
    rows = tx.all(IMPORT_ERRORS, (after or "", limit + 1))
    items = [build_readable(DagImportError, row) for row in rows[:limit]]
    return Page(items, items[-1].file_key if len(rows) > limit else None)


def dag_warnings(
    tx: Transaction, *, limit: int, after: str | None = None
) -> Page[DagWarnings, str]:
    """Registered DAGs with warnings, by dag_id."""
    rows = tx.all(DAG_WARNINGS, (after or "", limit + 1))
    items = [build_readable(DagWarnings, row) for row in rows[:limit]]
    return Page(items, items[-1].dag_id if len(rows) > limit else None)


def count_warnings(tx: Transaction) -> int:
    """How many registered DAGs have warnings."""
    return int(tx.value(f"SELECT count(*) FROM dags WHERE {DAGS_WITH_WARNINGS}"))


def ticks(tx: Transaction, *, limit: int, before: int | None = None) -> Page[Tick, int]:
    """The latest ticks, newest first."""
    rows = tx.all(TICKS, (2**62 if before is None else before, limit + 1))
    items = [build_readable(Tick, row) for row in rows[:limit]]
    return Page(items, rows[limit - 1]["id"] if len(rows) > limit else None)


def vital_signs(tx: Transaction) -> VitalSigns:
    """Read the signs of health in one statement."""
    row = tx.one(VITAL_SIGNS)
    assert row is not None
    return VitalSigns(
        commit_seq=row["commit_seq"],
        last_tick_at=from_us(row["last_tick_at"]),
        dead_letters=row["dead_letters"],
        import_errors=row["import_errors"],
    )
