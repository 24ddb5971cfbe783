"""Runs, newest first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeVar

from chalicelib.dag.states import RunState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.index_predicates import TASK_INSTANCES_FAILED
from chalicelib.database.reads import actions, run_filters
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.run_filters import EVERY_RUN, Key, RunFilter, key_text, newest_runs
from chalicelib.database.reads.run_values import Run, RunCause, RunWithParams
from chalicelib.database.row_builder import build_readable

Item = TypeVar("Item", bound=Run)

_COLUMNS = """
    SELECT r.id, r.run_id, r.dag_id, r.run_type, r.state, v.version, r.logical_date,
           r.data_interval_start, r.data_interval_end, r.note, r.idempotency_key, r.reason,
           r.backfill_id, iif(r.ended_at IS NULL, r.stopping, NULL) AS stopping,
           r.created_at, r.admitted_at, r.started_at, r.ended_at,
           (r.ended_at - r.started_at) / 1e6 AS duration, r.failed_tasks,
           coalesce(r.acknowledged_at, r.success_acknowledged_at) AS acknowledged_at,
           coalesce(r.acknowledged_by, r.success_acknowledged_by) AS acknowledged_by,
           coalesce(r.acknowledged_note, r.success_acknowledged_note) AS acknowledged_note,
           c.task_id AS cause_task_id, c.map_index AS cause_map_index,
           c.try_number AS cause_try_number, c.reason AS cause_reason,
           c.log_bytes AS cause_log_bytes
"""
_FIRST_FAILURE = f"""
    SELECT f.id FROM task_instances f WHERE f.run_key = r.id AND {TASK_INSTANCES_FAILED.of("f")}
    ORDER BY f.ended_at LIMIT 1
"""
_JOINED = f"""
    CROSS JOIN dag_versions v ON v.id = r.version_id
    LEFT JOIN task_instances c ON c.id = ({_FIRST_FAILURE})
"""
_FROM = f"FROM runs r {_JOINED}"

ONE = f"{_COLUMNS} {_FROM} WHERE r.run_id = ?"
BY_KEYS = f"{_COLUMNS} FROM json_each(?) k CROSS JOIN runs r ON r.id = k.value {_JOINED}"
DETAIL = f"""
    {_COLUMNS}, r.params, r.ancestry,
    (SELECT l.version FROM dags d CROSS JOIN dag_versions l ON l.id = d.version_id
     WHERE d.dag_id = r.dag_id) AS latest_version
    {_FROM} WHERE r.run_id = ?
"""
SCANS = run_filters.scans(_COLUMNS, _JOINED)


def list_runs(
    tx: Transaction, wanted: RunFilter = EVERY_RUN, *, limit: int, before: Key | None = None
) -> Page[Run, str]:
    """Runs that fit the filter, newest first: by logical date if the filter has a range of dates.
    A page may have fewer than `limit`, or none, though more follow."""
    rows, next_key = newest_runs(tx, SCANS, wanted, limit, before)
    items = [_run(Run, row) for row in rows]
    return Page(items, None if next_key is None else key_text(next_key, wanted))


def by_keys(tx: Transaction, keys: Sequence[int]) -> dict[int, Run]:
    """The runs with these keys, as lists show them."""
    return {row["id"]: _run(Run, row) for row in tx.all(BY_KEYS, (json.dumps(list(keys)),))}


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
        cause=build_readable(RunCause, row, prefix="cause_") if row["cause_task_id"] else None,
        actions=actions.of_run(
            RunState(row["state"]),
            is_stopping=is_stopping,
            is_acknowledged=row["acknowledged_at"] is not None,
            has_failed_tasks=row["failed_tasks"] > 0,
        ),
    )
