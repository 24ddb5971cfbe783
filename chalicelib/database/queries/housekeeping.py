"""Queries for housekeeping: metadata, ticks, dead letters, the audit log, old versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us, to_us

TICKS_KEPT = 10_000
DEAD_LETTERS_KEPT = 1_000
VERSIONS_KEPT = 20
AUDIT_KEPT = 100_000
_BODY_KEPT = 16_384


def stored_time(tx: Transaction, name: str) -> datetime | None:
    """Return the time stored under `name`, or None."""
    value = tx.value("SELECT value FROM metadata WHERE name = ?", (name,))
    return None if value is None else from_us(int(value))


def set_time(tx: Transaction, name: str, time: datetime) -> None:
    """Store a time under `name`."""
    with tx.bookkeeping():
        tx.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?)", (name, str(to_us(time))))


def stored_text(tx: Transaction, name: str) -> str:
    """Return the text stored under `name`, or an empty string."""
    return str(tx.value("SELECT value FROM metadata WHERE name = ?", (name,)) or "")


def set_text(tx: Transaction, name: str, value: str) -> None:
    """Store a text under `name`."""
    with tx.bookkeeping():
        tx.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?)", (name, value))


def delete_metadata(tx: Transaction, name: str) -> None:
    """Delete what is stored under `name`."""
    tx.execute("DELETE FROM metadata WHERE name = ?", (name,))


def record_tick(
    tx: Transaction,
    started_at: datetime,
    duration_us: int,
    counts: Mapping[str, int],
    errors: Sequence[str],
) -> None:
    """Insert a row for a tick and delete the oldest rows."""
    with tx.bookkeeping():
        key = tx.insert(
            "INSERT INTO ticks (started_at, duration_us, counts, errors) VALUES (?, ?, ?, ?)",
            (to_us(started_at), duration_us, json.dumps(counts), json.dumps(list(errors))),
        )
        tx.execute("DELETE FROM ticks WHERE id <= ?", (key - TICKS_KEPT,))


def last_tick_errors(tx: Transaction) -> list[str]:
    """What went wrong in the latest tick."""
    text = tx.value("SELECT errors FROM ticks ORDER BY id DESC LIMIT 1")
    errors: list[str] = json.loads(text) if text else []
    return errors


def amend_tick(tx: Transaction, counts: Mapping[str, int], errors: Sequence[str]) -> None:
    """Update the latest tick, which has done more since it was recorded."""
    with tx.bookkeeping():
        tx.execute(
            "UPDATE ticks SET counts = ?, errors = ? WHERE id = (SELECT max(id) FROM ticks)",
            (json.dumps(counts), json.dumps(list(errors))),
        )


def set_aside(tx: Transaction, queue: str, body: str, reason: str, now: datetime) -> None:
    """Store a message that cannot be applied, where operators can see it; delete the oldest
    ones."""
    key = tx.insert(
        "INSERT INTO dead_letters (queue, body, reason, received_at) VALUES (?, ?, ?, ?)",
        (queue, body[:_BODY_KEPT], reason, to_us(now)),
    )
    tx.execute("DELETE FROM dead_letters WHERE id <= ?", (key - DEAD_LETTERS_KEPT,))


def audit(
    tx: Transaction,
    who: str,
    action: str,
    target: str,
    details: Mapping[str, object],
    now: datetime,
) -> None:
    """Insert a row into the audit log."""
    tx.execute(
        "INSERT INTO audit (at, who, action, target, details) VALUES (?, ?, ?, ?, ?)",
        (to_us(now), who, action, target, json.dumps(details)),
    )


def forget_audit(tx: Transaction) -> int:
    """Delete the oldest rows beyond AUDIT_KEPT. Returns how many."""
    return tx.execute(
        "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", (AUDIT_KEPT,)
    )


def forget_versions(tx: Transaction, before: datetime, limit: int) -> int:
    """Delete old versions that no run uses, except the active one and the last VERSIONS_KEPT."""
    return tx.execute(
        "DELETE FROM dag_versions WHERE id IN ("
        # The numbers alone are in an index: rows are large, and only those that may go are read.
        " SELECT v.id FROM (SELECT dag_id, max(version) - ? AS version FROM dag_versions"
        " GROUP BY dag_id) last_to_go CROSS JOIN dag_versions v"
        " ON v.dag_id = last_to_go.dag_id AND v.version <= last_to_go.version"
        " WHERE v.created_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.version_id = v.id)"
        " AND NOT EXISTS (SELECT 1 FROM dags d WHERE d.version_id = v.id) LIMIT ?)",
        (VERSIONS_KEPT, to_us(before), limit),
    )
