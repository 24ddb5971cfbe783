"""Runs, newest first."""

from __future__ import annotations

from typing import TypeVar

from chalicelib.dag.states import RunState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.reads import actions
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.run_values import Run, RunWithParams
from chalicelib.database.reads.window import WINDOW, Scan, newest
from chalicelib.database.row_builder import build_readable

Item = TypeVar("Item", bound=Run)

_COLUMNS = """
    SELECT r.id, r.run_id, r.dag_id, r.run_type, r.state, v.version, r.logical_date,
           r.data_interval_start, r.data_interval_end, r.note, r.idempotency_key, r.reason,
           r.backfill_id, iif(r.ended_at IS NULL, r.stopping, NULL) AS stopping,
           r.created_at, r.admitted_at, r.started_at, r.ended_at,
           (r.ended_at - r.started_at) / 1e6 AS duration, r.acknowledged_at, r.acknowledged_by,
           r.acknowledged_note
"""
_FROM = "FROM runs r CROSS JOIN dag_versions v ON v.id = r.version_id"
_IDS = "SELECT r.id FROM runs r"
_FILTERS = (
    "(:state IS NULL OR r.state = :state) AND (:acknowledged IS NULL"
    " OR (r.acknowledged_at IS NOT NULL) = :acknowledged)"
    " AND (:dag_id IS NULL OR r.dag_id = :dag_id)"
)

ONE = f"{_COLUMNS} {_FROM} WHERE r.run_id = ?"
DETAIL = f"""
    {_COLUMNS}, r.params, r.ancestry,
    (SELECT l.version FROM dags d CROSS JOIN dag_versions l ON l.id = d.version_id
     WHERE d.dag_id = r.dag_id) AS latest_version
    {_FROM} WHERE r.run_id = ?
"""

# By what is the most selective of the filters given.
SCANS = {
    name: Scan(
        page=f"{_COLUMNS} {_FROM} WHERE {condition} AND r.id < :before AND r.id >= :floor"
        f" AND {_FILTERS} ORDER BY r.id DESC LIMIT :limit",
        floor=f"{_IDS} WHERE {condition} AND r.id < :before"
        f" ORDER BY r.id DESC LIMIT 1 OFFSET {WINDOW - 1}",
    )
    for name, condition in {
        "backfill": "r.backfill_id = :backfill_id",
        "dag": "r.dag_id = :dag_id",
        "state": "r.state = :state",
        "all": "TRUE",
    }.items()
}


def list_runs(
    tx: Transaction,
    *,
    limit: int,
    before: int | None = None,
    dag_id: str | None = None,
    state: str | None = None,
    acknowledged: bool | None = None,
    backfill_id: int | None = None,
) -> Page[Run, int]:
    """Runs, newest first, of a DAG, in a state, acknowledged or not, of a backfill, or all."""
    given = {"backfill": backfill_id, "dag": dag_id, "state": state}
    name = next((name for name, value in given.items() if value is not None), "all")
    is_acknowledged = None if acknowledged is None else int(acknowledged)
    filters = {
        "dag_id": dag_id,
        "state": state,
        "acknowledged": is_acknowledged,
        "backfill_id": backfill_id,
    }
    others = {"state": state, "dag": dag_id, "acknowledged": acknowledged}
    is_partial = any(value is not None for other, value in others.items() if other != name)
    rows, next_key = newest(tx, SCANS[name], filters, limit, before, is_partial=is_partial)
    return Page([_run(Run, row) for row in rows], next_key)


def run(tx: Transaction, run_id: str) -> Run | None:
    """One run, as lists show it."""
    row = tx.one(ONE, (run_id,))
    return _run(Run, row) if row else None


def detail(tx: Transaction, run_id: str) -> RunWithParams | None:
    """One run with its params."""
    row = tx.one(DETAIL, (run_id,))
    return _run(RunWithParams, row) if row else None


def _run(cls: type[Item], row: Row) -> Item:
    is_stopping = row["stopping"] is not None
    return build_readable(
        cls,
        row,
        waiting_for=None,
        actions=actions.of_run(
            RunState(row["state"]),
            is_stopping=is_stopping,
            is_acknowledged=row["acknowledged_at"] is not None,
        ),
    )
