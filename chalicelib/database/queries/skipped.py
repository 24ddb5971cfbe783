"""Named queries about what the scheduler had to leave out because handling it raised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us, to_us


@dataclass(frozen=True, slots=True)
class Skipped:
    """How often an item was left out so far, and since when."""

    times: int
    first_at: datetime


def items(tx: Transaction) -> set[str]:
    """Return the items that were left out and have not come through since."""
    return {row["item"] for row in tx.all("SELECT item FROM skipped")}


def note(tx: Transaction, item: str, dag_id: str | None, reason: str, now: datetime) -> Skipped:
    """The item was left out once more."""
    row = tx.returning(
        "INSERT INTO skipped (item, dag_id, reason, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?4)"
        " ON CONFLICT (item) DO UPDATE SET reason = ?3, times = times + 1, last_at = ?4"
        " RETURNING times, first_at",
        (item, dag_id, reason, to_us(now)),
    )
    assert row is not None
    return Skipped(row["times"], from_us(row["first_at"]))


def forget(tx: Transaction, item: str) -> None:
    """The item came through, or was ended."""
    tx.execute("DELETE FROM skipped WHERE item = ?", (item,))


def forget_old(tx: Transaction, before: datetime, after: datetime, limit: int) -> int:
    """Remove what nobody has met since `before`, or what a clock that was ahead says to have been
    met after `after`: there is no such thing any more."""
    return tx.execute(
        "DELETE FROM skipped WHERE item IN"
        " (SELECT item FROM skipped WHERE last_at < ? OR last_at > ? ORDER BY item LIMIT ?)",
        (to_us(before), to_us(after), limit),
    )
