"""Task instances, their attempts, and where an attempt's log is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from chalicelib.dag.states import IN_FLIGHT, TASK_ENDED, TaskState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.reads import actions
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.run_values import (
    EarlierAttempt,
    EndedAttempt,
    TaskInstance,
    TaskInstanceWithOutputs,
)
from chalicelib.database.reads.window import WINDOW, Scan, newest
from chalicelib.database.row_builder import build_readable
from chalicelib.messages import Attempt

Item = TypeVar("Item", bound=TaskInstance)

_COLUMNS = """
    SELECT t.id, t.dag_id, r.run_id, t.task_id, t.map_index, t.state, t.try_number, t.poke,
           t.pool, t.pool_slots, t.priority, t.queued_at, t.not_before, t.started_at,
           t.first_started_at, t.heartbeat_at, t.ended_at,
           (t.ended_at - t.started_at) / 1e6 AS duration, t.exit_code,
           t.signal, t.max_rss_bytes, t.log_bytes, t.reason, t.version,
           t.removed_at,
           r.stopping IS NOT NULL AND r.ended_at IS NULL AS is_stopping
"""
# CROSS JOIN is SQLite's word for "in this order".
_ALL = f"{_COLUMNS} FROM task_instances t CROSS JOIN runs r ON r.id = t.run_key"
_OF_RUN = f"""
    {_COLUMNS} FROM runs r CROSS JOIN task_instances t ON t.run_key = r.id WHERE r.run_id = :run_id
"""
_IDS = "SELECT t.id FROM task_instances t"
_FILTERS = """
    (:dag_id IS NULL OR t.dag_id = :dag_id) AND (:task_id IS NULL OR t.task_id = :task_id)
    AND (:state IS NULL OR t.state = :state)
"""

SCANS = {
    name: Scan(
        page=f"{_ALL} WHERE {condition} AND t.id < :before AND t.id >= :floor AND {_FILTERS}"
        " ORDER BY t.id DESC LIMIT :limit",
        floor=f"{_IDS} WHERE {condition} AND t.id < :before"
        f" ORDER BY t.id DESC LIMIT 1 OFFSET {WINDOW - 1}",
    )
    for name, condition in {
        "dag": "t.dag_id = :dag_id",
        "task": "t.task_id = :task_id",
        # The second condition is that of the partial index: successes are most of all rows.
        "state": "t.state = :state AND t.state <> 'success'",
        "all": "TRUE",
    }.items()
}

# One run has at most some thousand tasks, found by the run and then sorted: the plus signs keep
# SQLite from walking through all ids instead.
LIST_OF_RUN = f"{_OF_RUN} AND +t.id < :before AND {_FILTERS} ORDER BY +t.id DESC LIMIT :limit"
IN_ORDER_OF_RUN = f"{_OF_RUN} AND +t.id > :after ORDER BY +t.id LIMIT :limit"
COUNT_OF_TASK = """
    SELECT count(*) FROM runs r JOIN task_instances t ON t.run_key = r.id
    WHERE r.run_id = :run_id AND t.task_id = :task_id
"""
ONE = f"{_OF_RUN} AND t.task_id = :task_id AND t.map_index = :map_index"
DETAIL = f"""
    {_COLUMNS}, t.item, coalesce(o.outputs, '{{}}') AS outputs
    FROM runs r CROSS JOIN task_instances t ON t.run_key = r.id
    LEFT JOIN task_outputs o ON o.task_instance_id = t.id
    WHERE r.run_id = :run_id AND t.task_id = :task_id AND t.map_index = :map_index
"""
_ATTEMPT = """
    SELECT a.try_number, a.version, a.outcome, a.queued_at, a.first_started_at, a.started_at,
           a.ended_at,
           (a.ended_at - a.started_at) / 1e6 AS duration, a.exit_code, a.signal,
           a.max_rss_bytes, a.log_bytes, a.pokes, a.billed_ms, a.memory_mb, a.reason
"""
ATTEMPTS = f"""
    {_ATTEMPT} FROM attempts a WHERE a.task_instance_id = ? ORDER BY a.try_number DESC LIMIT ?
"""
# The latest attempt of a task that is to run again is an earlier one, too.
EARLIER_ATTEMPTS = f"""
    {_ATTEMPT}, t.task_id, t.map_index
    FROM runs r CROSS JOIN task_instances t ON t.run_key = r.id
    CROSS JOIN attempts a ON a.task_instance_id = t.id
    WHERE r.run_id = :run_id AND t.removed_at IS NULL
    AND (a.try_number < t.try_number OR t.state IN ('none', 'scheduled', 'upstream_failed'))
    ORDER BY a.ended_at DESC, t.id DESC LIMIT :limit
"""
LOG = """
    SELECT a.log_bytes, a.pokes, s.log FROM attempts a LEFT JOIN short_logs s
    ON s.task_instance_id = a.task_instance_id AND s.try_number = a.try_number
    WHERE a.task_instance_id = ? AND a.try_number = ?
"""


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where a log is to be read. `attempt` is None while there was none; `last_poke` is how often
    a sensor was asked again in that attempt; `has_ended` says that nothing will be added to the
    log, and `log_bytes` then how long it is, if that is known. `log` is all of it where it is not
    in the bucket."""

    attempt: Attempt | None
    tries: int
    last_poke: int
    has_ended: bool
    log_bytes: int | None
    log: str | None = None


def list_task_instances(
    tx: Transaction,
    *,
    limit: int,
    before: int | None = None,
    dag_id: str | None = None,
    run_id: str | None = None,
    task_id: str | None = None,
    state: str | None = None,
) -> Page[TaskInstance, int]:
    """Task instances, newest first."""
    filters = {"dag_id": dag_id, "task_id": task_id, "state": state}
    if run_id is not None:
        bounds = {"run_id": run_id, "before": 2**62 if before is None else before}
        rows = tx.all(LIST_OF_RUN, {**filters, **bounds, "limit": limit + 1})
        items = [_task(TaskInstance, row) for row in rows[:limit]]
        return Page(items, rows[limit - 1]["id"] if len(rows) > limit else None)
    name = _scan_for(dag_id, task_id, state)
    served = {"dag": dag_id, "task": task_id, "state": state}.get(name)
    is_partial = sum(value is not None for value in filters.values()) > (served is not None)
    rows, next_key = newest(tx, SCANS[name], filters, limit, before, is_partial=is_partial)
    return Page([_task(TaskInstance, row) for row in rows], next_key)


def of_run(
    tx: Transaction, run_id: str, *, limit: int, after: int | None = None
) -> Page[TaskInstance, int]:
    """The task instances of a run, in the order in which its DAG has them."""
    params = {"run_id": run_id, "after": after or 0, "limit": limit + 1}
    rows = tx.all(IN_ORDER_OF_RUN, params)
    items = [_task(TaskInstance, row) for row in rows[:limit]]
    return Page(items, rows[limit - 1]["id"] if len(rows) > limit else None)


def task_instance(
    tx: Transaction, run_id: str, task_id: str, map_index: int, *, limit: int
) -> tuple[TaskInstanceWithOutputs, list[EndedAttempt]] | None:
    """One task instance, and its latest `limit` attempts that have ended, newest first."""
    row = tx.one(DETAIL, {"run_id": run_id, "task_id": task_id, "map_index": map_index})
    if row is None:
        return None
    attempts = tx.all(ATTEMPTS, (row["id"], limit))
    return _task(TaskInstanceWithOutputs, row), [
        build_readable(EndedAttempt, attempt) for attempt in attempts
    ]


def earlier_attempts(tx: Transaction, run_id: str, *, limit: int) -> list[EarlierAttempt]:
    """Return the attempts of a run's task instances before their latest ones, latest first."""
    rows = tx.all(EARLIER_ATTEMPTS, {"run_id": run_id, "limit": limit})
    return [build_readable(EarlierAttempt, row) for row in rows]


def instance_count(tx: Transaction, run_id: str, task_id: str) -> int:
    """How many task instances the task has in the run; 0 if it is not there."""
    return int(tx.value(COUNT_OF_TASK, {"run_id": run_id, "task_id": task_id}) or 0)


def log_source(
    tx: Transaction,
    run_id: str,
    task_id: str,
    map_index: int,
    try_number: int | None,
    poke: int | None = None,
) -> LogSource | None:
    """The log of an attempt, the latest if `try_number` is None; of a sensor's the answer to its
    question number `poke`, the latest if that is None. None if there is no such task."""
    row = tx.one(ONE, {"run_id": run_id, "task_id": task_id, "map_index": map_index})
    if row is None:
        return None
    tries = int(row["try_number"])
    number = tries if try_number is None else try_number
    if not 0 < number <= tries:
        return LogSource(None, tries, 0, TaskState(row["state"]) in TASK_ENDED, None)
    ended = tx.one(LOG, (row["id"], number))
    last = int(ended["pokes"]) if ended else _last_poke(row)
    asked = last if poke is None else poke
    if asked > last:
        return LogSource(None, tries, last, ended is not None, None)
    attempt = Attempt(row["dag_id"], run_id, task_id, map_index, number, asked)
    has_ended = ended is not None or asked < int(row["poke"])
    if ended is None or asked != last:
        return LogSource(attempt, tries, last, has_ended, None)
    return LogSource(attempt, tries, last, has_ended, ended["log_bytes"], ended["log"])


def _last_poke(row: Row) -> int:
    """Return the last poke of an attempt that has not ended. The next poke is counted before it is
    sent."""
    is_asking = row["state"] in IN_FLIGHT
    return int(row["poke"]) if is_asking else max(0, int(row["poke"]) - 1)


def _task(cls: type[Item], row: Row) -> Item:
    is_stopping, is_removed = bool(row["is_stopping"]), row["removed_at"] is not None
    state = TaskState(row["state"])
    may = actions.of_task(state, is_stopping=is_stopping, is_removed=is_removed)
    return build_readable(cls, row, waiting_for=None, actions=may)


def _scan_for(dag_id: str | None, task_id: str | None, state: str | None) -> str:
    if dag_id is not None:
        return "dag"
    if task_id is not None:
        return "task"
    return "state" if state is not None and state != TaskState.SUCCESS else "all"
