"""Backfills, newest first."""

from __future__ import annotations

from chalicelib.database.connection import Row, Transaction
from chalicelib.database.index_predicates import RUNS_BACKFILL
from chalicelib.database.reads.operation_values import Backfill
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.window import WINDOW, Scan, newest
from chalicelib.database.row_builder import build_readable
from chalicelib.enums import BackfillAction, BackfillState

# A running one has few runs that have not ended, and they have an index of their own.
_COLUMNS = f"""
    SELECT b.id, b.dag_id, b.from_date, b.to_date, b.next_date, b.is_reverse, b.reprocess,
           b.max_active_runs, b.run_on_latest_version, b.params, b.state, b.counts, b.reason,
           b.created_at, b.ended_at,
           (SELECT count(*) FROM runs r WHERE r.backfill_id = b.id AND {RUNS_BACKFILL.of("r")})
           AS active_runs,
           EXISTS (SELECT 1 FROM runs r WHERE r.backfill_id = b.id AND {RUNS_BACKFILL.of("r")}
            AND r.stopping IS NULL) AS goes_on
    FROM backfills b
"""
_FILTERS = "(:dag_id IS NULL OR b.dag_id = :dag_id) AND (:state IS NULL OR b.state = :state)"

ONE = f"{_COLUMNS} WHERE b.id = ?"
SCAN = Scan(
    page=f"{_COLUMNS} WHERE b.id < :before AND b.id >= :floor AND {_FILTERS}"
    " ORDER BY b.id DESC LIMIT :limit",
    floor=f"SELECT b.id FROM backfills b WHERE b.id < :before"
    f" ORDER BY b.id DESC LIMIT 1 OFFSET {WINDOW - 1}",
)

_ACTIONS: dict[str, tuple[BackfillAction, ...]] = {
    BackfillState.RUNNING: (BackfillAction.PAUSE, BackfillAction.CANCEL),
    BackfillState.PAUSED: (BackfillAction.RESUME, BackfillAction.CANCEL),
}


def list_backfills(
    tx: Transaction,
    *,
    limit: int,
    before: int | None = None,
    dag_id: str | None = None,
    state: str | None = None,
) -> Page[Backfill, int]:
    """Backfills, newest first, of a DAG, in a state, or all."""
    filters = {"dag_id": dag_id, "state": state}
    is_partial = dag_id is not None or state is not None
    rows, next_key = newest(tx, SCAN, filters, limit, before, is_partial=is_partial)
    return Page([_item(row) for row in rows], next_key)


def backfill(tx: Transaction, key: int) -> Backfill | None:
    """One backfill, or None."""
    row = tx.one(ONE, (key,))
    return _item(row) if row else None


def _item(row: Row) -> Backfill:
    return build_readable(Backfill, row, actions=_actions(row))


def _actions(row: Row) -> tuple[BackfillAction, ...]:
    """Once it is cancelled, the runs that it has left can still be stopped."""
    if row["state"] == BackfillState.CANCELLED and row["goes_on"]:
        return (BackfillAction.STOP_RUNNING,)
    return _ACTIONS.get(row["state"], ())
