"""Reads all runs and task instances of a small database, as a simulation leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us
from chalicelib.database.index_predicates import RUNS_TIMEOUT
from chalicelib.database.row_builder import build_readable
from chalicelib.enums import RunType

_NEXT_DUE = f"""
    SELECT min(at) FROM (
        SELECT min(next_fire_at) AS at FROM dags WHERE next_fire_at IS NOT NULL
        UNION ALL SELECT min(due_at) FROM task_instances WHERE due_at IS NOT NULL
        UNION ALL SELECT min(timeout_at) FROM runs WHERE {RUNS_TIMEOUT}
        UNION ALL SELECT min(due_at) FROM notifications WHERE due_at IS NOT NULL
        UNION ALL SELECT min(created_at) FROM backfills WHERE state = 'running')
"""
_RUNS = """
    SELECT id AS key, dag_id, run_id, run_type, state, logical_date, not_before, created_at,
           admitted_at, started_at, ended_at, reason
    FROM runs ORDER BY id
"""
_TASKS = """
    SELECT run_key, dag_id, task_id, map_index, state, try_number, pool, pool_slots, queued_at,
           started_at, ended_at, reason
    FROM task_instances WHERE removed_at IS NULL ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run. `key` is its number in the database."""

    key: int
    dag_id: str
    run_id: str
    run_type: RunType
    state: RunState
    logical_date: datetime
    not_before: datetime
    created_at: datetime
    admitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class PastTask:
    """A task instance with its latest attempt."""

    run_key: int
    dag_id: str
    task_id: str
    map_index: int
    state: TaskState
    try_number: int
    pool: str | None
    pool_slots: int
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    reason: str


def next_due(tx: Transaction) -> datetime | None:
    """Return when the scheduler has something to do next; None if nothing will ever be due."""
    at = tx.value(_NEXT_DUE)
    return None if at is None else from_us(at)


def all_runs(tx: Transaction) -> list[PastRun]:
    """Every run, in the order of creation."""
    return [build_readable(PastRun, row) for row in tx.all(_RUNS)]


def all_tasks(tx: Transaction) -> list[PastTask]:
    """Every task instance, in the order of creation."""
    return [build_readable(PastTask, row) for row in tx.all(_TASKS)]
