"""Named queries about backfills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.row_builder import build
from chalicelib.enums import BackfillState, Reprocess


@dataclass(frozen=True, slots=True)
class Backfill:
    """A range of fire times to run. `next_date` is the first not yet looked at, None at the end;
    `run_on_latest_version`: runs that are there already take the file's latest version; `params`:
    what new runs are given."""

    id: int
    dag_id: str
    from_date: datetime
    to_date: datetime
    next_date: datetime | None
    is_reverse: bool
    reprocess: Reprocess
    max_active_runs: int
    state: BackfillState
    counts: dict[str, int]
    run_on_latest_version: bool
    params: dict[str, Any]


_BACKFILL = """
    SELECT id, dag_id, from_date, to_date, next_date, is_reverse, reprocess, max_active_runs,
           state, counts, run_on_latest_version, params
    FROM backfills
"""


def insert(tx: Transaction, new: Backfill, now: datetime) -> int:
    """Make it, running; answers its id (that of `new` does not count)."""
    return tx.insert(
        "INSERT INTO backfills (dag_id, from_date, to_date, next_date, is_reverse, reprocess,"
        " max_active_runs, run_on_latest_version, params, state, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?)",
        (
            new.dag_id,
            to_us(new.from_date),
            to_us(new.to_date),
            to_us(new.next_date),
            int(new.is_reverse),
            new.reprocess,
            new.max_active_runs,
            int(new.run_on_latest_version),
            json.dumps(new.params),
            to_us(now),
        ),
    )


def find(tx: Transaction, key: int) -> Backfill | None:
    """Return the backfill with this id."""
    row = tx.one(_BACKFILL + "WHERE id = ?", (key,))
    return build(Backfill, row) if row else None


def running(tx: Transaction, limit: int) -> list[Backfill]:
    """Return the backfills that still have dates to process, oldest first."""
    rows = tx.all(_BACKFILL + "WHERE state = 'running' ORDER BY id LIMIT ?", (limit,))
    return [build(Backfill, row) for row in rows]


def move_on(
    tx: Transaction, key: int, next_date: datetime | None, counts: Mapping[str, int]
) -> None:
    """Note how far it has come."""
    tx.execute(
        "UPDATE backfills SET next_date = ?, counts = ? WHERE id = ?",
        (to_us(next_date), json.dumps(counts), key),
    )


def set_state(
    tx: Transaction, key: int, state: BackfillState, ended_at: datetime | None, reason: str = ""
) -> None:
    """Pause, resume, cancel or finish; `reason` says why if no user did it."""
    tx.execute(
        "UPDATE backfills SET state = ?, ended_at = ?, reason = ? WHERE id = ?",
        (state, to_us(ended_at), reason, key),
    )
