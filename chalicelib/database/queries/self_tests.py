"""Named queries about self-tests: tasks that an administrator sends through the installation to see
whether it works."""

from __future__ import annotations

from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us

SELF_TESTS_KEPT = 20


def begin(tx: Transaction, run_id: str, now: datetime) -> None:
    """Expect a result by this name; the oldest tests go."""
    key = tx.insert(
        "INSERT INTO self_tests (run_id, started_at) VALUES (?, ?)", (run_id, to_us(now))
    )
    tx.execute("DELETE FROM self_tests WHERE id <= ?", (key - SELF_TESTS_KEPT,))


def record(tx: Transaction, run_id: str, result: str, now: datetime) -> bool:
    """Keep the result, as JSON. False if none is expected by this name, or it came already."""
    changed = tx.execute(
        "UPDATE self_tests SET result = ?, applied_at = ? WHERE run_id = ? AND result IS NULL",
        (result, to_us(now), run_id),
    )
    return changed == 1


def result_of(tx: Transaction, run_id: str) -> str | None:
    """The result as JSON, None while there is none."""
    result: str | None = tx.value("SELECT result FROM self_tests WHERE run_id = ?", (run_id,))
    return result
