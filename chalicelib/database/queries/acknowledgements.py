"""Named queries about failures that a user has acknowledged."""

from __future__ import annotations

from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us


def acknowledge(tx: Transaction, key: int, who: str, note: str | None, now: datetime) -> bool:
    """Record that somebody knows of the failure of a run, or of tasks of a successful one. Returns
    False if nothing failed, or if that is recorded already."""
    values = (to_us(now), who, key, note)
    return tx.execute(_ACKNOWLEDGE_FAILED, values) + tx.execute(_ACKNOWLEDGE_SUCCESS, values) == 1


_ACKNOWLEDGE_FAILED = (
    "UPDATE runs SET acknowledged_at = ?1, acknowledged_by = ?2, acknowledged_note = ?4"
    " WHERE id = ?3 AND state = 'failed'"
    " AND (acknowledged_at IS NULL OR acknowledged_note IS NOT ?4)"
)
_ACKNOWLEDGE_SUCCESS = (
    "UPDATE runs SET success_acknowledged_at = ?1, success_acknowledged_by = ?2,"
    " success_acknowledged_note = ?4 WHERE id = ?3 AND state = 'success' AND failed_tasks > 0"
    " AND (success_acknowledged_at IS NULL OR success_acknowledged_note IS NOT ?4)"
)


def forget_acknowledgement(tx: Transaction, key: int) -> bool:
    """False if there was none."""
    return (
        tx.execute(
            "UPDATE runs SET acknowledged_at = NULL, acknowledged_by = NULL,"
            " acknowledged_note = NULL, success_acknowledged_at = NULL,"
            " success_acknowledged_by = NULL, success_acknowledged_note = NULL WHERE id = ?"
            " AND coalesce(acknowledged_at, success_acknowledged_at) IS NOT NULL",
            (key,),
        )
        == 1
    )


def is_acknowledged(tx: Transaction, key: int) -> bool:
    """Whether a user has acknowledged the failure of this run."""
    return tx.value(_ACKNOWLEDGED_AT, (key,)) is not None


_ACKNOWLEDGED_AT = (
    "SELECT coalesce(acknowledged_at, success_acknowledged_at) FROM runs WHERE id = ?"
)
