"""Named queries about attempts that are to be stopped."""

from __future__ import annotations

import json
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.times import to_us
from chalicelib.messages import Attempt


def insert(tx: Transaction, attempt: Attempt, now: datetime) -> None:
    """Note the wish; asking again changes nothing."""
    tx.execute(
        "INSERT OR IGNORE INTO stops (attempt, requested_at) VALUES (?, ?)",
        (_name(attempt), to_us(now)),
    )


def pending(tx: Transaction, limit: int) -> list[Attempt]:
    """All that are noted."""
    rows = tx.all("SELECT attempt FROM stops LIMIT ?", (limit,))
    return [Attempt(*json.loads(row[0])) for row in rows]


def is_asked_for(tx: Transaction, attempt: Attempt) -> bool:
    """Whether somebody wants this attempt to end."""
    return tx.one("SELECT 1 FROM stops WHERE attempt = ?", (_name(attempt),)) is not None


def forget(tx: Transaction, attempt: Attempt) -> None:
    """The attempt has ended, or the wish was carried out twice."""
    tx.execute("DELETE FROM stops WHERE attempt = ?", (_name(attempt),))


def _name(attempt: Attempt) -> str:
    a = attempt
    return json.dumps([a.dag_id, a.run_id, a.task_id, a.map_index, a.try_number, a.poke])
