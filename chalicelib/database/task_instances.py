"""Named queries about task instances and their attempts.

Where a condition seems to be said twice, the second repeats the WHERE of a partial index: only a
condition that is there to the letter lets SQLite use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.states import TaskState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.guards import task_guard
from chalicelib.database.times import from_us, to_us
from chalicelib.messages import Attempt


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One task of one run. `key` is the database's own number for it. `try_number` is that of the
    latest attempt, 0 before the first."""

    key: int
    run_key: int
    attempt: Attempt
    state: TaskState
    sends: int
    queued_at: datetime | None
    not_before: datetime | None
    started_at: datetime | None
    heartbeat_at: datetime | None

    @property
    def task_id(self) -> str:
        return self.attempt.task_id

    @property
    def try_number(self) -> int:
        return self.attempt.try_number


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt ended, for its row of the history. `max_rss` and `log_bytes` in bytes."""

    outcome: str
    ended_at: datetime
    started_at: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    max_rss: int | None = None
    log_bytes: int | None = None
    reason: str = ""


_TASK = """
    SELECT t.id, t.run_key, t.dag_id, r.run_id, t.task_id, t.map_index, t.try_number, t.state,
           t.sends, t.queued_at, t.not_before, t.started_at, t.heartbeat_at
    FROM task_instances t JOIN runs r ON r.id = t.run_key
"""


def insert(tx: Transaction, run_key: int, dag_id: str, task_ids: Iterable[str]) -> None:
    """Make the run's task instances, all in `none`."""
    tx.executemany(
        "INSERT INTO task_instances (run_key, dag_id, task_id) VALUES (?, ?, ?)",
        [(run_key, dag_id, task_id) for task_id in task_ids],
    )


def find(tx: Transaction, attempt: Attempt) -> TaskInstance | None:
    """The task instance that this attempt belongs to, whichever attempt it is at now."""
    row = tx.one(
        _TASK + "WHERE r.run_id = ? AND t.task_id = ? AND t.map_index = ?",
        (attempt.run_id, attempt.task_id, attempt.map_index),
    )
    return _instance(row) if row else None


def states(tx: Transaction, run_key: int) -> list[tuple[int, str, TaskState]]:
    """(key, task_id, state) of every task instance of a run."""
    rows = tx.all(
        "SELECT id, task_id, state FROM task_instances WHERE run_key = ?",
        (run_key,),
    )
    return [(row[0], row[1], TaskState(row[2])) for row in rows]


def move(tx: Transaction, key: int, target: TaskState, reason: str = "") -> bool:
    """Move to a state that needs no more than its name: `scheduled`. False if not legal now."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = ?, reason = ?, due_at = NULL"
            " WHERE id = ? AND state IN (SELECT value FROM json_each(?))",
            (target, reason, key, task_guard(target)),
        )
        == 1
    )


def end_unstarted(tx: Transaction, key: int, target: TaskState, reason: str, now: datetime) -> bool:
    """End a task that will not be attempted (again): upstream_failed, skipped, cancelled."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = ?, reason = ?, due_at = NULL, ended_at = ?"
            " WHERE id = ? AND state IN ('none', 'scheduled', 'up_for_retry')"
            " AND state IN (SELECT value FROM json_each(?))",
            (target, reason, to_us(now), key, task_guard(target)),
        )
        == 1
    )


def in_flight_count(tx: Transaction, dag_id: str) -> int:
    """How many of the DAG's max_active_tasks slots are taken."""
    row = tx.one(
        "SELECT count(*) FROM task_instances WHERE dag_id = ? AND state IN ('queued', 'running')"
        " AND state IN ('scheduled', 'queued', 'running')",
        (dag_id,),
    )
    return int(row[0]) if row else 0


def scheduled(tx: Transaction, dag_id: str, limit: int) -> list[TaskInstance]:
    """Ready tasks of the DAG that wait for a slot, the oldest run first."""
    rows = tx.all(
        _TASK + "WHERE t.dag_id = ? AND t.state = 'scheduled'"
        " AND t.state IN ('scheduled', 'queued', 'running') ORDER BY t.id LIMIT ?",
        (dag_id, limit),
    )
    return [_instance(row) for row in rows]


def queue(tx: Transaction, key: int, now: datetime, not_before: datetime, due_at: datetime) -> bool:
    """scheduled -> queued: begin the next attempt, whose message leaves after the commit."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = 'queued', try_number = try_number + 1, sends = 1,"
            " queued_at = ?, not_before = ?, due_at = ?, started_at = NULL, heartbeat_at = NULL,"
            " ended_at = NULL, exit_code = NULL, signal = NULL, max_rss = NULL, log_bytes = NULL"
            " WHERE id = ? AND state IN (SELECT value FROM json_each(?))",
            (to_us(now), to_us(not_before), to_us(due_at), key, task_guard(TaskState.QUEUED)),
        )
        == 1
    )


def due(tx: Transaction, state: TaskState, horizon: datetime, limit: int) -> list[TaskInstance]:
    """Task instances in that state on which the clock has run out, the longest overdue first."""
    rows = tx.all(
        _TASK + "WHERE t.due_at <= ? AND t.state = ? ORDER BY t.due_at LIMIT ?",
        (to_us(horizon), state, limit),
    )
    return [_instance(row) for row in rows]


def queued_before(tx: Transaction, moment: datetime, limit: int) -> list[TaskInstance]:
    """Attempts that should have begun before that moment and are queued still."""
    rows = tx.all(
        _TASK + "WHERE t.state = 'queued' AND t.state <> 'success' AND t.not_before < ?"
        " ORDER BY t.id LIMIT ?",
        (to_us(moment), limit),
    )
    return [_instance(row) for row in rows]


def retry_moments(tx: Transaction, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The distinct moments in (after, until] at which a retry is due, earliest first."""
    rows = tx.all(
        "SELECT DISTINCT due_at FROM task_instances"
        " WHERE due_at > ? AND due_at <= ? AND state = 'up_for_retry' ORDER BY due_at LIMIT ?",
        (to_us(after), to_us(until), limit),
    )
    return [from_us(row[0]) for row in rows]


def postpone(tx: Transaction, task: TaskInstance, due_at: datetime) -> bool:
    """Note that the message of a queued attempt is sent once more, and when to do so again."""
    return (
        tx.execute(
            "UPDATE task_instances SET sends = sends + 1, due_at = ?"
            " WHERE id = ? AND state = 'queued' AND try_number = ?",
            (to_us(due_at), task.key, task.try_number),
        )
        == 1
    )


def beat(
    tx: Transaction, task: TaskInstance, started_at: datetime, at: datetime, due_at: datetime
) -> bool:
    """queued -> running, or running still; an older heartbeat than the last changes nothing."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = 'running', started_at = coalesce(started_at, ?1),"
            " heartbeat_at = ?2, due_at = ?3 WHERE id = ?4 AND try_number = ?5"
            " AND (state = 'running' OR state IN (SELECT value FROM json_each(?6)))"
            " AND coalesce(heartbeat_at, 0) < ?2",
            (
                to_us(started_at),
                to_us(at),
                to_us(due_at),
                task.key,
                task.try_number,
                task_guard(TaskState.RUNNING),
            ),
        )
        == 1
    )


def end_attempt(
    tx: Transaction, task: TaskInstance, target: TaskState, end: End, due_at: datetime | None
) -> bool:
    """Record the one result of an attempt in flight, and its row of the history. False if the
    attempt is not the latest or has its result already. `due_at` is when the retry is due."""
    changed = tx.execute(
        "UPDATE task_instances SET state = ?, due_at = ?, not_before = coalesce(?2, not_before),"
        " started_at = coalesce(?, started_at), ended_at = ?, exit_code = ?, signal = ?,"
        " max_rss = ?, log_bytes = ?, reason = ? WHERE id = ? AND try_number = ?"
        " AND state IN ('queued', 'running') AND state IN (SELECT value FROM json_each(?))",
        (
            target,
            to_us(due_at),
            to_us(end.started_at),
            to_us(end.ended_at),
            end.exit_code,
            end.signal,
            end.max_rss,
            end.log_bytes,
            end.reason,
            task.key,
            task.try_number,
            task_guard(target),
        ),
    )
    if changed:
        _remember(tx, task, end)
    return changed == 1


def _remember(tx: Transaction, task: TaskInstance, end: End) -> None:
    tx.execute(
        "INSERT INTO attempts (task_instance_id, try_number, outcome, queued_at, started_at,"
        " ended_at, exit_code, signal, max_rss, log_bytes, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            task.key,
            task.try_number,
            end.outcome,
            to_us(task.queued_at),
            to_us(end.started_at or task.started_at),
            to_us(end.ended_at),
            end.exit_code,
            end.signal,
            end.max_rss,
            end.log_bytes,
            end.reason,
        ),
    )


def _instance(row: Row) -> TaskInstance:
    return TaskInstance(
        key=row[0],
        run_key=row[1],
        attempt=Attempt(row[2], row[3], row[4], row[5], row[6]),
        state=TaskState(row[7]),
        sends=row[8],
        queued_at=from_us(row[9]),
        not_before=from_us(row[10]),
        started_at=from_us(row[11]),
        heartbeat_at=from_us(row[12]),
    )
