"""Named queries about the slots of tasks, those of max_active_tasks and of pools: who waits for one
and how many are taken.

Where a condition seems to be said twice, the second repeats the WHERE of a partial index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.database.connection import Transaction
from chalicelib.database.index_predicates import TASK_INSTANCES_POOL, TASK_INSTANCES_SLOTS
from chalicelib.database.queries.task_instances import SELECT_TASK, TaskInstance, instance_of


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


_DAG = "t.dag_id"
_POOL = "t.pool IS NOT NULL AND t.pool"
_READY_OF = f"""
    %s = :of AND t.state = 'scheduled' AND {TASK_INSTANCES_SLOTS.of("t")}
"""
_IN_ORDER = "ORDER BY t.priority DESC, t.id LIMIT :limit"
_READY = f"""
    {SELECT_TASK} WHERE {_READY_OF}
    AND t.priority <= :priority AND (t.priority < :priority OR t.id > :key)
    AND t.dag_id NOT IN (SELECT value FROM json_each(:full_dags))
    AND (t.pool IS NULL OR t.pool NOT IN (SELECT value FROM json_each(:full_pools)))
    {_IN_ORDER}
"""
READY_IN_DAG = _READY % _DAG
READY_IN_POOL = _READY % _POOL
_LINE = f"SELECT t.id FROM task_instances t WHERE {_READY_OF} {_IN_ORDER}"
LINE_OF_DAG = _LINE % _DAG
LINE_OF_POOL = _LINE % _POOL
_HOLDERS = f"""
    {SELECT_TASK} WHERE %s = :of AND t.state IN ('queued', 'running')
    AND {TASK_INSTANCES_SLOTS.of("t")} ORDER BY t.id LIMIT :limit
"""
HOLDERS_IN_DAG = _HOLDERS % _DAG
HOLDERS_IN_POOL = _HOLDERS % _POOL


def ready_in_dag(
    tx: Transaction, dag_id: str, behind: Place, full: Full, limit: int
) -> list[TaskInstance]:
    """Ready tasks of the DAG that wait for a slot, in order, after the given place."""
    return _ready(tx, READY_IN_DAG, dag_id, behind, full, limit)


def ready_in_pool(
    tx: Transaction, pool: str, behind: Place, full: Full, limit: int
) -> list[TaskInstance]:
    """Ready tasks of any DAG that wait for slots of the pool, in order, after the given place."""
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


def line_of_dag(tx: Transaction, dag_id: str, limit: int) -> list[int]:
    """The keys of the DAG's ready tasks in the order in which they are given slots."""
    return tx.values(LINE_OF_DAG, {"of": dag_id, "limit": limit})


def line_of_pool(tx: Transaction, pool: str, limit: int) -> list[int]:
    """The keys of the ready tasks, of any DAG, that wait for slots of the pool, in that order."""
    return tx.values(LINE_OF_POOL, {"of": pool, "limit": limit})


def holders_in_dag(tx: Transaction, dag_id: str, limit: int) -> list[TaskInstance]:
    """The DAG's tasks in flight, in the order of making."""
    return [instance_of(row) for row in tx.all(HOLDERS_IN_DAG, {"of": dag_id, "limit": limit})]


def holders_in_pool(tx: Transaction, pool: str, limit: int) -> list[TaskInstance]:
    """The tasks, of any DAG, that have slots of the pool, in the order of making."""
    return [instance_of(row) for row in tx.all(HOLDERS_IN_POOL, {"of": pool, "limit": limit})]


def holders_of_task(tx: Transaction, run_key: int, task_id: str, limit: int) -> list[TaskInstance]:
    """The instances of one task of a run that are in flight."""
    rows = tx.all(
        SELECT_TASK + "WHERE t.run_key = ? AND t.task_id = ? AND t.state IN ('queued', 'running')"
        " ORDER BY t.map_index LIMIT ?",
        (run_key, task_id, limit),
    )
    return [instance_of(row) for row in rows]


def in_pool_count(tx: Transaction, pool: str) -> int:
    """How many tasks have slots of the pool."""
    return int(
        tx.value(
            "SELECT count(*) FROM main.task_instances WHERE pool = ?"
            f" AND state IN ('queued', 'running') AND {TASK_INSTANCES_POOL}",
            (pool,),
        )
        or 0
    )


def in_flight_count(tx: Transaction, dag_id: str) -> int:
    """How many of the DAG's max_active_tasks slots are taken."""
    return int(
        tx.value(
            "SELECT count(*) FROM task_instances WHERE dag_id = ?"
            f" AND state IN ('queued', 'running') AND {TASK_INSTANCES_SLOTS}",
            (dag_id,),
        )
        or 0
    )


DAGS_WITH_READY_TASKS = f"""
    WITH RECURSIVE ready (dag_id) AS (
        SELECT min(dag_id) FROM task_instances WHERE dag_id > :after AND state = 'scheduled'
        AND {TASK_INSTANCES_SLOTS}
        UNION ALL
        SELECT (SELECT min(t.dag_id) FROM task_instances t WHERE t.dag_id > ready.dag_id
                AND t.state = 'scheduled' AND {TASK_INSTANCES_SLOTS.of("t")})
        FROM ready WHERE ready.dag_id IS NOT NULL)
    SELECT dag_id FROM ready WHERE dag_id IS NOT NULL LIMIT :limit
"""


def dags_with_ready_tasks(tx: Transaction, after: str, limit: int) -> list[str]:
    """The DAGs in which a task waits for a slot, in the order of their ids, behind that one. One
    DAG after the other is found in the index."""
    rows = tx.all(DAGS_WITH_READY_TASKS, {"after": after, "limit": limit})
    return [row["dag_id"] for row in rows]


def in_flight_of_task(tx: Transaction, run_key: int, task_id: str) -> int:
    """How many copies of one task of a run are in flight."""
    return int(
        tx.value(
            "SELECT count(*) FROM task_instances WHERE run_key = ? AND task_id = ?"
            " AND state IN ('queued', 'running')",
            (run_key, task_id),
        )
        or 0
    )
