"""Named queries about failures that a user has acknowledged."""

from __future__ import annotations

from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us


def acknowledge(tx: Transaction, key: int, who: str, note: str | None, now: datetime) -> bool:
    """Somebody knows of this failure. False if the run has not failed, or it stands there so."""
    return (
        tx.execute(
            "UPDATE runs SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_note = ?4"
            " WHERE id = ?3 AND state = 'failed'"
            " AND (acknowledged_at IS NULL OR acknowledged_note IS NOT ?4)",
            (to_us(now), who, key, note),
        )
        == 1
    )


def forget_acknowledgement(tx: Transaction, key: int) -> bool:
    """False if there was none."""
    return (
        tx.execute(
            "UPDATE runs SET acknowledged_at = NULL, acknowledged_by = NULL,"
            " acknowledged_note = NULL WHERE id = ? AND acknowledged_at IS NOT NULL",
            (key,),
        )
        == 1
    )


def is_acknowledged(tx: Transaction, key: int) -> bool:
    """Whether a user has acknowledged the failure of this run."""
    return tx.value("SELECT acknowledged_at FROM runs WHERE id = ?", (key,)) is not None
