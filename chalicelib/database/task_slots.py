"""Named queries about the slots of tasks, those of max_active_tasks and of pools: who waits for one
and how many are taken.

Where a condition seems to be said twice, the second repeats the WHERE of a partial index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.database.connection import Transaction
from chalicelib.database.task_instances import SELECT_TASK, TaskInstance, instance_of


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the line of those that are ready: by priority, then the oldest."""

    priority: int = 2**62
    key: int = 0


@dataclass(frozen=True, slots=True)
class Full:
    """DAGs and pools without a free slot: who needs one of theirs is passed over."""

    dags: Iterable[str] = ()
    pools: Iterable[str] = ()


_READY = f"""
    {SELECT_TASK} WHERE %s = :of AND t.state = 'scheduled'
    AND t.state IN ('scheduled', 'queued', 'running')
    AND t.priority <= :priority AND (t.priority < :priority OR t.id > :key)
    AND t.dag_id NOT IN (SELECT value FROM json_each(:full_dags))
    AND (t.pool IS NULL OR t.pool NOT IN (SELECT value FROM json_each(:full_pools)))
    ORDER BY t.priority DESC, t.id LIMIT :limit
"""
READY_IN_DAG = _READY % "t.dag_id"
READY_IN_POOL = _READY % "t.pool IS NOT NULL AND t.pool"


def ready_in_dag(
    tx: Transaction, dag_id: str, behind: Place, full: Full, limit: int
) -> list[TaskInstance]:
    """Ready tasks of the DAG that wait for a slot, in line behind that place."""
    return _ready(tx, READY_IN_DAG, dag_id, behind, full, limit)


def ready_in_pool(
    tx: Transaction, pool: str, behind: Place, full: Full, limit: int
) -> list[TaskInstance]:
    """The same of those, of any DAG, that wait for slots of the pool."""
    return _ready(tx, READY_IN_POOL, pool, behind, full, limit)


def _ready(
    tx: Transaction, sql: str, of: str, behind: Place, full: Full, limit: int
) -> list[TaskInstance]:
    params = {
        "of": of,
        "priority": behind.priority,
        "key": behind.key,
        "full_dags": json.dumps(list(full.dags)),
        "full_pools": json.dumps(list(full.pools)),
        "limit": limit,
    }
    return [instance_of(row) for row in tx.all(sql, params)]


def in_flight_count(tx: Transaction, dag_id: str) -> int:
    """How many of the DAG's max_active_tasks slots are taken."""
    row = tx.one(
        "SELECT count(*) FROM task_instances WHERE dag_id = ? AND state IN ('queued', 'running')"
        " AND state IN ('scheduled', 'queued', 'running')",
        (dag_id,),
    )
    return int(row[0]) if row else 0


def dags_with_ready_tasks(tx: Transaction, limit: int) -> list[str]:
    """The DAGs in which a task waits for a slot."""
    rows = tx.all(
        "SELECT DISTINCT dag_id FROM task_instances WHERE state = 'scheduled'"
        " AND state IN ('scheduled', 'queued', 'running') LIMIT ?",
        (limit,),
    )
    return [row[0] for row in rows]


def in_flight_of_task(tx: Transaction, run_key: int, task_id: str) -> int:
    """How many copies of one task of a run are in flight."""
    row = tx.one(
        "SELECT count(*) FROM task_instances WHERE run_key = ? AND task_id = ?"
        " AND state IN ('queued', 'running')",
        (run_key, task_id),
    )
    return int(row[0]) if row else 0
