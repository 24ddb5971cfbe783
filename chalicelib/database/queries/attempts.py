"""Named queries that move an attempt: begun, sent again, heard of, ended. Each is one guarded
UPDATE."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.states import TaskState
from chalicelib.database.connection import Transaction
from chalicelib.database.connection.row_statements import insert_of_rows, update_of_rows
from chalicelib.database.connection.times import to_us
from chalicelib.database.index_predicates import TASK_INSTANCES_FAILED
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.database.row_builder import build

MAX_CAUSE_LENGTH = 500
MAX_FAILED = 1000


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A task instance that has failed. `cause` is the line of its last log that tells why."""

    task_id: str
    map_index: int
    reason: str
    cause: str

    @property
    def name(self) -> str:
        """How people call it: `load`, or `load [3]`."""
        return f"{self.task_id} [{self.map_index}]" if self.map_index >= 0 else self.task_id


def failed_tasks(tx: Transaction, run_key: int) -> list[FailedTask]:
    """The failed task instances of a run, at most MAX_FAILED, the first to fail first."""
    rows = tx.all(
        "SELECT t.task_id, t.map_index, t.reason, coalesce(a.cause, '') AS cause"
        " FROM task_instances t LEFT JOIN attempts a"
        " ON a.task_instance_id = t.id AND a.try_number = t.try_number"
        f" WHERE t.run_key = ? AND {TASK_INSTANCES_FAILED.of('t')}"
        " ORDER BY t.ended_at, t.id LIMIT ?",
        (run_key, MAX_FAILED),
    )
    return [build(FailedTask, row) for row in rows]


QUEUE = update_of_rows(
    "task_instances",
    ("key", "version", "queued_at", "not_before", "due_at"),
    "SET state = 'queued', try_number = try_number + (poke = 0),"
    " first_started_at = iif(poke = 0, NULL, first_started_at), version = {version}, sends = 1,"
    " queued_at = {queued_at}, not_before = {not_before}, due_at = {due_at}, started_at = NULL,"
    " heartbeat_at = NULL, ended_at = NULL, exit_code = NULL, signal = NULL,"
    " max_rss_bytes = NULL, log_bytes = NULL, reason = ''"
    " {rows} WHERE id = {key} AND state = 'scheduled'",
)


def queue(
    tx: Transaction,
    task: TaskInstance,
    version: int,
    now: datetime,
    not_before: datetime,
    due_at: datetime,
) -> bool:
    """scheduled -> queued: begin the next attempt, or ask a sensor again within the same one, as
    that version of the DAG says."""
    values = (task.key, version, to_us(now), to_us(not_before), to_us(due_at))
    return tx.change_row(QUEUE, values, of_run=task.run_key)


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


def make_due(tx: Transaction, now: datetime, kept: Sequence[int] = ()) -> int:
    """Let the tick look at all attempts in flight as soon as they should have begun, but those of
    the tasks `kept`."""
    return tx.execute(
        "UPDATE task_instances SET due_at = max(?, coalesce(not_before, 0))"
        " WHERE state IN ('queued', 'running') AND due_at IS NOT NULL"
        " AND id NOT IN (SELECT value FROM json_each(?))",
        (to_us(now), json.dumps(list(kept))),
    )


def beat(
    tx: Transaction,
    task: TaskInstance,
    started_at: datetime,
    at: datetime,
    due_at: datetime,
    now: datetime,
) -> bool:
    """queued -> running, or running still; an older heartbeat than the last changes nothing, unless
    the last is from before the clock was set back."""
    is_known = task.state is TaskState.RUNNING
    with tx.bookkeeping() if is_known else nullcontext():
        changed = tx.execute(
            "UPDATE task_instances SET state = 'running', started_at = coalesce(started_at, ?1),"
            " heartbeat_at = ?2, due_at = ?3 WHERE id = ?4 AND try_number = ?5 AND poke = ?6"
            " AND state IN ('scheduled', 'queued', 'running')"
            " AND (coalesce(heartbeat_at, 0) < ?2 OR heartbeat_at > ?7)",
            (
                to_us(started_at),
                to_us(at),
                to_us(due_at),
                task.key,
                task.try_number,
                task.attempt.poke,
                to_us(now),
            ),
        )
    return changed == 1


END = update_of_rows(
    "task_instances",
    (
        *("key", "try_number", "poke", "state", "due_at", "started_at", "ended_at", "exit_code"),
        *("signal", "max_rss_bytes", "log_bytes", "reason"),
    ),
    "SET state = {state}, due_at = {due_at}, not_before = coalesce({due_at}, not_before),"
    " started_at = coalesce({started_at}, started_at), ended_at = {ended_at},"
    " exit_code = {exit_code}, signal = {signal}, max_rss_bytes = {max_rss_bytes},"
    " log_bytes = {log_bytes}, reason = {reason}, poke = 0, poke_until = NULL, poke_billed_ms = 0"
    " {rows} WHERE id = {key} AND try_number = {try_number} AND poke = {poke}"
    " AND state IN ('queued', 'running')"
    " AND {state} IN ('success', 'failed', 'skipped', 'cancelled', 'up_for_retry')",
)
_REMEMBER = insert_of_rows(
    "attempts",
    (
        *("task_instance_id", "try_number", "version", "outcome", "queued_at", "started_at"),
        *("ended_at", "exit_code", "signal", "max_rss_bytes", "log_bytes", "pokes", "billed_ms"),
        *("memory_mb", "vcpu", "reason", "cause", "first_started_at"),
    ),
)
FIRST_START = "SELECT first_started_at FROM task_instances WHERE id = ?"
_KEEP_LOG = insert_of_rows("short_logs", ("task_instance_id", "try_number", "log"))


def end_attempt(
    tx: Transaction, task: TaskInstance, target: TaskState, end: End, due_at: datetime | None
) -> bool:
    """Record the one result of an attempt in flight, and its row of the history. False if the
    attempt is not the latest or has its result already. `due_at` is when the retry is due."""
    started_at, ended_at = to_us(end.started_at), to_us(end.ended_at)
    measured = (end.exit_code, end.signal, end.max_rss_bytes, end.log_bytes)
    name = (task.key, task.try_number, task.attempt.poke)
    first_started_at = tx.value(FIRST_START, (task.key,)) if task.attempt.poke else None
    values = (*name, target, to_us(due_at), started_at, ended_at, *measured, end.reason)
    if not tx.change_row(END, values, of_run=task.run_key):
        return False
    billed_ms = None if end.billed_ms is None else end.billed_ms + task.poke_billed_ms
    remembered = (
        *(task.key, task.try_number, task.version, end.outcome, to_us(task.queued_at)),
        *(started_at or to_us(task.started_at), ended_at, *measured, task.attempt.poke),
        *(billed_ms, end.memory_mb, end.vcpu, end.reason, end.cause, first_started_at),
    )
    tx.change_rows(_REMEMBER, [remembered], of_run=task.run_key)
    if end.log:
        kept = (task.key, task.try_number, end.log)
        tx.change_rows(_KEEP_LOG, [kept], of_run=task.run_key)
    return True


def reschedule(
    tx: Transaction, task: TaskInstance, end: End, due_at: datetime, until: datetime | None
) -> bool:
    """queued or running -> up_for_reschedule, within the same attempt: the sensor's answer was no,
    or the command could not be started for now; ask again at `due_at`."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = 'up_for_reschedule', due_at = ?1, not_before = ?1,"
            " first_started_at = coalesce(first_started_at, ?9, started_at),"
            " poke = poke + 1, poke_until = ?2, ended_at = ?3, reason = ?8,"
            " poke_billed_ms = poke_billed_ms + ?7"
            " WHERE id = ?4 AND try_number = ?5 AND poke = ?6 AND state IN ('queued', 'running')",
            (
                to_us(due_at),
                to_us(until),
                to_us(end.ended_at),
                task.key,
                task.try_number,
                task.attempt.poke,
                end.billed_ms or 0,
                end.reason if end.is_transient else "",
                to_us(end.started_at),
            ),
        )
        == 1
    )


def begin_waiting(tx: Transaction, task: TaskInstance, version: int, now: datetime) -> bool:
    """scheduled -> running without a message: it waits for the run that it triggered."""
    return (
        tx.execute(
            "UPDATE task_instances SET state = 'running', try_number = try_number + 1,"
            " version = ?3, queued_at = ?1, not_before = ?1, started_at = ?1, heartbeat_at = NULL,"
            " ended_at = NULL WHERE id = ?2 AND state IN ('scheduled', 'queued')",
            (to_us(now), task.key, version),
        )
        == 1
    )
