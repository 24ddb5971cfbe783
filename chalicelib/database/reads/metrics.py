"""What metrics show: totals of what has ended, and what there is now. Few rows, whatever the
history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us
from chalicelib.database.reads import operations, pools
from chalicelib.database.reads.operation_values import Pool

COUNTED = 10_000
"""Runs and task instances of one state that are counted at most: a longer queue shows as this."""

MAX_POOLS = 200
RUN_STATES = (RunState.QUEUED, RunState.RUNNING)
TASK_STATES = (
    TaskState.SCHEDULED,
    TaskState.QUEUED,
    TaskState.RUNNING,
    TaskState.UP_FOR_RETRY,
    TaskState.UP_FOR_RESCHEDULE,
)

_RUNS = f"""
    SELECT dag_id, count(*) AS count FROM
    (SELECT dag_id FROM runs WHERE state = ? ORDER BY id LIMIT {COUNTED}) GROUP BY dag_id
"""
_TASKS = f"""
    SELECT dag_id, count(*) AS count FROM
    (SELECT dag_id FROM task_instances INDEXED BY task_instances_by_state
     WHERE state = ? AND state <> 'success' ORDER BY id LIMIT {COUNTED}) GROUP BY dag_id
"""
# A message whose time has not come yet is not waiting for an executor.
_OLDEST_QUEUED = f"""
    SELECT min(max(queued_at, coalesce(not_before, queued_at))) FROM
    (SELECT queued_at, not_before FROM task_instances INDEXED BY task_instances_by_state
     WHERE state = 'queued' AND state <> 'success' ORDER BY id LIMIT {COUNTED})
"""
_DAGS = "SELECT is_paused, count(*) AS count FROM dags WHERE removed_at IS NULL GROUP BY is_paused"
_OPEN_FAILURES = "SELECT dag_id, count(*) AS count FROM open_failures GROUP BY dag_id"
_TICK = """
    SELECT started_at, duration_us / 1e6 AS seconds, json_array_length(errors) AS errors
    FROM ticks ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Total:
    """A row of `metric_totals`; see the migration that creates it."""

    dag_id: str
    metric: str
    label: str
    count: int
    total: float
    buckets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LastTick:
    """The latest tick: when it started, how many seconds it took, and the number of its errors."""

    started_at: datetime
    seconds: float
    errors: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a scrape shows. `runs` and `tasks` count by state and DAG; `dags` by whether they are
    paused, `open_failures` the runs of each DAG that need attention. `oldest_queued_at` is since
    when the oldest task waits for an executor."""

    totals: list[Total]
    runs: Mapping[str, Mapping[str, int]]
    tasks: Mapping[str, Mapping[str, int]]
    oldest_queued_at: datetime | None
    open_failures: Mapping[str, int]
    dags: Mapping[bool, int]
    pools: list[Pool]
    signs: operations.VitalSigns
    tick: LastTick | None


def metrics(tx: Transaction) -> Metrics:
    """Read everything that a scrape shows."""
    oldest = tx.value(_OLDEST_QUEUED)
    return Metrics(
        totals=list(_totals(tx)),
        runs={state: _by_dag(tx, _RUNS, state) for state in RUN_STATES},
        tasks={state: _by_dag(tx, _TASKS, state) for state in TASK_STATES},
        oldest_queued_at=None if oldest is None else from_us(int(oldest)),
        open_failures={row["dag_id"]: row["count"] for row in tx.all(_OPEN_FAILURES)},
        dags={bool(row["is_paused"]): row["count"] for row in tx.all(_DAGS)},
        pools=pools.list_pools(tx, limit=MAX_POOLS).items,
        signs=operations.vital_signs(tx),
        tick=_last_tick(tx),
    )


def _totals(tx: Transaction) -> Iterator[Total]:
    for row in tx.all("SELECT * FROM metric_totals ORDER BY dag_id, metric, label"):
        buckets = tuple(json.loads(row["buckets"]))
        yield Total(row["dag_id"], row["metric"], row["label"], row["count"], row["total"], buckets)


def _by_dag(tx: Transaction, sql: str, state: str) -> dict[str, int]:
    return {row["dag_id"]: row["count"] for row in tx.all(sql, (state,))}


def _last_tick(tx: Transaction) -> LastTick | None:
    row = tx.one(_TICK)
    if row is None:
        return None
    return LastTick(from_us(row["started_at"]), row["seconds"], row["errors"])
