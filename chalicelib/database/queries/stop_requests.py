"""Named queries about attempts that are to be stopped."""

from __future__ import annotations

import json
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.messages import Attempt


def insert(tx: Transaction, attempt: Attempt, now: datetime) -> None:
    """Note the request; asking again changes nothing."""
    tx.execute(
        "INSERT OR IGNORE INTO stop_requests (attempt, requested_at) VALUES (?, ?)",
        (_name(attempt), to_us(now)),
    )


def pending(tx: Transaction, limit: int) -> list[str]:
    """Names of the attempts, for `attempt_of`; those that were asked longest ago first."""
    return tx.values(
        "SELECT attempt FROM stop_requests ORDER BY requested_at, attempt LIMIT ?", (limit,)
    )


def attempt_of(name: str) -> Attempt:
    """The attempt by its name here."""
    return Attempt(*json.loads(name))


def asked_again(tx: Transaction, attempt: Attempt, now: datetime) -> None:
    """Record that the request was sent once more; others come first now."""
    tx.execute(
        "UPDATE stop_requests SET requested_at = ? WHERE attempt = ?", (to_us(now), _name(attempt))
    )


def forget_name(tx: Transaction, name: str) -> None:
    """The name is none of an attempt."""
    tx.execute("DELETE FROM stop_requests WHERE attempt = ?", (name,))


def is_asked_for(tx: Transaction, attempt: Attempt) -> bool:
    """Whether this attempt was asked to stop."""
    return tx.one("SELECT 1 FROM stop_requests WHERE attempt = ?", (_name(attempt),)) is not None


def forget(tx: Transaction, attempt: Attempt) -> None:
    """The attempt has ended, or the request was repeated."""
    tx.execute("DELETE FROM stop_requests WHERE attempt = ?", (_name(attempt),))


def _name(attempt: Attempt) -> str:
    a = attempt
    return json.dumps([a.dag_id, a.run_id, a.task_id, a.map_index, a.try_number, a.poke])
