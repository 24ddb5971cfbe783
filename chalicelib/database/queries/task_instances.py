"""Named queries about task instances and their attempts.

Where a condition seems to be said twice, the second repeats the WHERE of a partial index: only a
condition that is there to the letter lets SQLite use it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.dag.model import Task
from chalicelib.dag.states import TaskState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.connection.row_statements import insert_of_rows, update_of_rows
from chalicelib.database.connection.times import from_us, to_us
from chalicelib.database.index_predicates import (
    TASK_INSTANCES_FAILED,
    TASK_INSTANCES_SLOTS,
    TASK_INSTANCES_WAITING_FOR_RUN,
)
from chalicelib.database.row_builder import Builder
from chalicelib.enums import Outcome
from chalicelib.messages import Attempt


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One task of one run. `key` is the database's own number for it. `try_number` is that of the
    latest attempt, 0 before the first; `version` the DAG's version that it was queued with.
    `is_removed`: the run's version of the DAG has no such task, or copy, any more."""

    key: int
    run_key: int
    attempt: Attempt
    state: TaskState
    sends: int
    queued_at: datetime | None
    not_before: datetime | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    poke_until: datetime | None
    poke_billed_ms: int
    tries_before: int
    item_text: str | None
    mapped_count: int | None
    pool: str | None
    pool_slots: int
    priority: int
    version: int | None
    due_at: datetime | None
    is_removed: bool

    @property
    def item(self) -> dict[str, Any] | None:
        """What an instance of an expanded task is for; read when it is asked for, so that one that
        cannot be read can be ended."""
        item: dict[str, Any] | None = json.loads(self.item_text) if self.item_text else None
        return item

    @property
    def tries(self) -> int:
        """Attempts since the task was last cleared: those that count against `retries`."""
        return self.attempt.try_number - self.tries_before

    @property
    def task_id(self) -> str:
        return self.attempt.task_id

    @property
    def try_number(self) -> int:
        return self.attempt.try_number


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended, for its row of the history. `log` is the whole log where it is not in
    the bucket; `is_transient`: the command was never started,
    for a reason that may pass; `is_permanent`: for one that no other attempt can help; `cause` is
    the line of the log that most likely tells why it failed."""

    outcome: Outcome
    ended_at: datetime
    started_at: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    max_rss_bytes: int | None = None
    log_bytes: int | None = None
    log: str | None = None
    reason: str = ""
    billed_ms: int | None = None
    memory_mb: int | None = None
    vcpu: float | None = None
    is_transient: bool = False
    is_permanent: bool = False
    cause: str = ""


_STATES = {state.value: state for state in TaskState}

SELECT_TASK = """
    SELECT t.id AS key, t.run_key, t.dag_id, r.run_id, t.task_id, t.map_index, t.try_number,
           t.state, t.poke, t.sends, t.queued_at, t.not_before, t.started_at, t.heartbeat_at,
           t.poke_until, t.poke_billed_ms, t.tries_before, t.item AS item_text, t.mapped_count,
           t.pool, t.pool_slots, t.priority, t.version, t.removed_at IS NOT NULL AS is_removed,
           t.due_at
    FROM task_instances t JOIN runs r ON r.id = t.run_key
"""


_INSERT = insert_of_rows(
    "task_instances",
    ("run_key", "dag_id", "task_id", "pool", "pool_slots", "priority", "mapped_count"),
)


def insert(tx: Transaction, run_key: int, dag_id: str, tasks: Iterable[Task]) -> None:
    """Make the run's task instances, all in `none`."""
    rows = [
        (
            run_key,
            dag_id,
            task.id,
            task.pool,
            task.pool_slots,
            task.priority_weight,
            0 if task.expand else None,
        )
        for task in tasks
    ]
    tx.change_rows(_INSERT, rows, of_run=run_key)


def find(tx: Transaction, attempt: Attempt) -> TaskInstance | None:
    """The task instance that this attempt belongs to, whichever attempt it is at now."""
    row = tx.one(
        SELECT_TASK + "WHERE r.run_id = ? AND t.task_id = ? AND t.map_index = ?",
        (attempt.run_id, attempt.task_id, attempt.map_index),
    )
    return instance_of(row) if row else None


FIND_ALL = f"""
    {SELECT_TASK.replace("task_instances t JOIN runs r ON r.id = t.run_key", "json_each(?) names")}
    CROSS JOIN runs r ON r.run_id = names.value ->> 0
    CROSS JOIN task_instances t
    ON t.run_key = r.id AND t.task_id = names.value ->> 1 AND t.map_index = names.value ->> 2
"""


def find_all(tx: Transaction, names: Iterable[tuple[str, str, int]]) -> list[TaskInstance]:
    """Return the task instances that exist among these run_id, task_id and map_index."""
    return [instance_of(row) for row in tx.all(FIND_ALL, (json.dumps(list(names)),))]


def to_begin(tx: Transaction, run_key: int, limit: int) -> list[TaskInstance]:
    """Task instances of a run that have not ended and are not running, in the order of making."""
    rows = tx.all(
        SELECT_TASK + "WHERE t.run_key = ? AND t.state IN"
        " ('none', 'scheduled', 'queued', 'up_for_retry', 'up_for_reschedule')"
        " ORDER BY t.state = 'none', t.id LIMIT ?",
        (run_key, limit),
    )
    return [instance_of(row) for row in rows]


def count(tx: Transaction, run_key: int) -> int:
    """How many task instances the run has."""
    return int(tx.value("SELECT count(*) FROM task_instances WHERE run_key = ?", (run_key,)) or 0)


class Counts(dict[TaskState, int]):
    """How many task instances are in each state; 0 where none is. A Counter takes ten times as long
    to make, and there is one to each task of a run."""

    def __missing__(self, _: TaskState) -> int:
        return 0


def states(tx: Transaction, run_key: int) -> dict[str, Counts]:
    """How many instances of each task of a run are in each state, without removed ones."""
    rows = tx.all(
        "SELECT task_id, state, count(*) FROM task_instances WHERE run_key = ?"
        " AND removed_at IS NULL GROUP BY task_id, state",
        (run_key,),
        of_run=run_key,
    )
    counts: defaultdict[str, Counts] = defaultdict(Counts)
    for task_id, state, number in rows:
        counts[task_id][_STATES[state]] = number
    return counts


def count_failed_tasks(tx: Transaction, run_key: int) -> int:
    """How many tasks of a run failed, or have a mapped instance that did."""
    return int(
        tx.value(
            "SELECT count(DISTINCT task_id) FROM task_instances WHERE run_key = ?"
            f" AND {TASK_INSTANCES_FAILED}",
            (run_key,),
        )
    )


def of_run(
    tx: Transaction, run_key: int, task_ids: Iterable[str] | None = None
) -> list[TaskInstance]:
    """The task instances of a run, or of these tasks of it, removed ones included."""
    wanted = None if task_ids is None else json.dumps(list(task_ids))
    rows = tx.all(
        SELECT_TASK + "WHERE t.run_key = ? AND (?2 IS NULL OR"
        " t.task_id IN (SELECT value FROM json_each(?2))) ORDER BY t.id",
        (run_key, wanted),
    )
    return [instance_of(row) for row in rows]


def states_of_task(tx: Transaction, run_key: int, task_id: str) -> Counts:
    """The instances of one task of the run."""
    rows = tx.all(
        "SELECT state, count(*) FROM task_instances WHERE run_key = ? AND task_id = ?"
        " AND removed_at IS NULL GROUP BY state",
        (run_key, task_id),
    )
    return Counts({TaskState(state): number for state, number in rows})


def waiting(tx: Transaction, run_key: int, task_id: str) -> list[TaskInstance]:
    """The instances of one task that wait for its dependencies."""
    rows = tx.all(
        SELECT_TASK + "WHERE t.run_key = ? AND t.task_id = ? AND t.state = 'none'"
        " ORDER BY t.map_index",
        (run_key, task_id),
    )
    return [instance_of(row) for row in rows]


def make_ready(tx: Transaction, key: int) -> bool:
    """none, up_for_retry or up_for_reschedule -> scheduled. False if not legal now."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = 'scheduled', reason = '', due_at = NULL"
            " WHERE id = ? AND state IN ('none', 'up_for_retry', 'up_for_reschedule')",
            (key,),
        )
        == 1
    )


SOME_THAT_GO_ON = f"""
    SELECT DISTINCT task_id FROM (
        SELECT run_key, task_id FROM task_instances INDEXED BY task_instances_slots
        WHERE dag_id = ? AND {TASK_INSTANCES_SLOTS} LIMIT ?)
    WHERE run_key = ?
"""


def some_that_go_on(tx: Transaction, dag_id: str, run_key: int, limit: int) -> list[str]:
    """Tasks of the run with an instance that is ready or in flight, among the first `limit` of the
    DAG."""
    return tx.values(SOME_THAT_GO_ON, (dag_id, limit, run_key))


MAKE_ALL_READY = update_of_rows(
    "task_instances",
    ("run_key", "task_id"),
    "SET state = 'scheduled', reason = '', due_at = NULL"
    " {rows} WHERE run_key = {run_key} AND task_id = {task_id} AND state = 'none'",
    is_exact=False,
)


def make_all_ready(tx: Transaction, run_key: int, task_ids: Sequence[str]) -> None:
    """none -> scheduled, for all instances of these tasks."""
    rows = [(run_key, task_id) for task_id in task_ids]
    tx.change_rows(MAKE_ALL_READY, rows, of_run=run_key)


def end_unstarted(tx: Transaction, key: int, target: TaskState, reason: str, now: datetime) -> bool:
    """End a task that will not be attempted (again): upstream_failed, skipped, cancelled."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = ?, reason = ?, due_at = NULL, ended_at = ?"
            " WHERE id = ? AND (state, ?1) IN (VALUES"
            " ('none', 'success'), ('none', 'failed'), ('none', 'skipped'),"
            " ('none', 'upstream_failed'), ('none', 'cancelled'),"
            " ('scheduled', 'success'), ('scheduled', 'failed'), ('scheduled', 'cancelled'),"
            " ('up_for_retry', 'success'), ('up_for_retry', 'failed'),"
            " ('up_for_retry', 'skipped'), ('up_for_retry', 'cancelled'),"
            " ('up_for_reschedule', 'success'), ('up_for_reschedule', 'failed'),"
            " ('up_for_reschedule', 'skipped'), ('up_for_reschedule', 'cancelled'))",
            (target, reason, to_us(now), key),
        )
        == 1
    )


def end_all_unstarted(tx: Transaction, run_key: int, reason: str, now: datetime) -> int:
    """End as cancelled what of a run is not in flight and has not ended; answers how many."""
    return tx.execute(
        "UPDATE task_instances SET state = 'cancelled', reason = ?, due_at = NULL, ended_at = ?"
        " WHERE run_key = ?"
        " AND state IN ('none', 'scheduled', 'up_for_retry', 'up_for_reschedule')",
        (reason, to_us(now), run_key),
    )


def explain(tx: Transaction, key: int, reason: str) -> None:
    """Say why the task is where it is."""
    tx.execute(
        "UPDATE task_instances SET reason = ?1 WHERE id = ?2 AND reason <> ?1", (reason, key)
    )


def in_flight_of_run(tx: Transaction, run_key: int) -> list[TaskInstance]:
    """The attempts of a run whose messages are out."""
    rows = tx.all(
        SELECT_TASK + "WHERE t.run_key = ? AND t.state IN ('queued', 'running') ORDER BY t.id",
        (run_key,),
    )
    return [instance_of(row) for row in rows]


def due(tx: Transaction, state: TaskState, horizon: datetime, limit: int) -> list[TaskInstance]:
    """Task instances in that state on which the clock has run out, the longest overdue first."""
    rows = tx.all(
        SELECT_TASK + "WHERE t.due_at <= ? AND t.state = ? ORDER BY t.due_at LIMIT ?",
        (to_us(horizon), state, limit),
    )
    return [instance_of(row) for row in rows]


def waiting_for_no_run(tx: Transaction, limit: int) -> list[TaskInstance]:
    """Tasks that wait for the end of a run that they triggered, and that is not active."""
    rows = tx.all(
        f"{SELECT_TASK} WHERE {TASK_INSTANCES_WAITING_FOR_RUN.of('t')} AND NOT EXISTS"
        " (SELECT 1 FROM runs c WHERE c.parent_task_id = t.id AND c.parent_task_id IS NOT NULL"
        " AND c.ended_at IS NULL) ORDER BY t.id LIMIT ?",
        (limit,),
    )
    return [instance_of(row) for row in rows]


def queued_before(tx: Transaction, moment: datetime, limit: int) -> list[TaskInstance]:
    """Attempts that should have started before that time and are still queued."""
    rows = tx.all(
        SELECT_TASK + "WHERE t.state = 'queued' AND t.state <> 'success' AND t.not_before < ?"
        " ORDER BY t.id LIMIT ?",
        (to_us(moment), limit),
    )
    return [instance_of(row) for row in rows]


def retry_moments(tx: Transaction, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The distinct times in (after, until] at which a retry is due, earliest first."""
    values = tx.values(
        "SELECT DISTINCT due_at FROM task_instances"
        " WHERE due_at > ? AND due_at <= ? AND state IN ('up_for_retry', 'up_for_reschedule')"
        " ORDER BY due_at LIMIT ?",
        (to_us(after), to_us(until), limit),
    )
    return [from_us(value) for value in values]


def is_removed_in_flight(tx: Transaction, run_key: int) -> bool:
    """Whether an attempt of a task goes on that the run's version of the DAG has no more."""
    row = tx.one(
        "SELECT 1 FROM task_instances WHERE run_key = ? AND removed_at IS NOT NULL"
        " AND state IN ('queued', 'running') LIMIT 1",
        (run_key,),
        of_run=run_key,
    )
    return row is not None


def follow(tx: Transaction, task: TaskInstance, definition: Task) -> None:
    """Take the pool and the priority that the task has by now, for its next attempt."""
    wanted = (definition.pool, definition.pool_slots, definition.priority_weight)
    if wanted != (task.pool, task.pool_slots, task.priority):
        tx.execute(
            "UPDATE task_instances SET pool = ?, pool_slots = ?, priority = ? WHERE id = ?"
            " AND state NOT IN ('queued', 'running')",
            (*wanted, task.key),
        )


def set_by_hand(
    tx: Transaction, key: int, target: TaskState, reason: str, now: datetime | None
) -> bool:
    """Clear (`none`, `now` None) or mark a task that is not running. Its attempts are kept."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = ?, reason = ?, due_at = NULL, not_before = NULL,"
            " ended_at = ?, tries_before = try_number, poke = 0, poke_until = NULL,"
            " first_started_at = NULL"
            " WHERE id = ? AND ?1 IN ('none', 'success', 'failed', 'skipped')"
            " AND (state IN ('up_for_retry', 'up_for_reschedule', 'success', 'failed',"
            " 'upstream_failed', 'skipped', 'cancelled') OR (state = 'none' AND ?1 <> 'none'))",
            (target, reason, to_us(now), key),
        )
        == 1
    )


def by_key(tx: Transaction, key: int) -> TaskInstance | None:
    """The task instance by the database's own number."""
    row = tx.one(SELECT_TASK + "WHERE t.id = ?", (key,))
    return instance_of(row) if row else None


_build = Builder(TaskInstance, attempt=Builder(Attempt))


def instance_of(row: Row) -> TaskInstance:
    """Return the task instance of a row of SELECT_TASK."""
    return _build(row)
