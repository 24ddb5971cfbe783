"""Named queries about the copies of expanded tasks, and the row that stands for those to come; and
about the rows of tasks that another version of the DAG has, has not, or has in another shape."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.dag.model import Task
from chalicelib.database.connection import Transaction
from chalicelib.database.connection.row_statements import insert_of_rows
from chalicelib.database.connection.times import to_us
from chalicelib.database.index_predicates import TASK_INSTANCES_EXPANDING
from chalicelib.database.queries.task_instances import SELECT_TASK, TaskInstance, instance_of

INSERT = insert_of_rows(
    "task_instances",
    (
        *("run_key", "dag_id", "task_id", "map_index", "item", "state", "pool", "pool_slots"),
        *("priority", "try_number", "tries_before"),
    ),
    on_conflict="ON CONFLICT (run_key, task_id, map_index) DO UPDATE SET item = excluded.item,"
    " state = 'scheduled', reason = '',"
    " try_number = max(task_instances.try_number, excluded.try_number),"
    " tries_before = max(task_instances.try_number, excluded.try_number)"
    " WHERE task_instances.state = 'none'",
    is_exact=False,
)


def insert(
    tx: Transaction, whole: TaskInstance, first: int, items: Sequence[Mapping[str, Any]]
) -> None:
    """Make copies of an expanded task, ready, numbered from `first`. One that is there from before
    it was cleared is taken again, for the sake of its history."""
    _take_again(tx, whole, first, first + len(items))
    of_all = (whole.run_key, whole.attempt.dag_id, whole.task_id)
    limits = (whole.pool, whole.pool_slots, whole.priority, whole.try_number, whole.try_number)
    rows = [
        (*of_all, first + n, json.dumps(item), "scheduled", *limits) for n, item in enumerate(items)
    ]
    tx.change_rows(INSERT, rows, of_run=whole.run_key)
    tx.execute(
        "UPDATE task_instances SET mapped_count = ? WHERE id = ?", (first + len(items), whole.key)
    )


def _take_again(tx: Transaction, whole: TaskInstance, first: int, behind: int) -> None:
    """Copies that were history. One whose attempt goes on is the copy of that number, then."""
    tx.execute(
        "UPDATE task_instances SET removed_at = NULL,"
        " state = iif(state IN ('queued', 'running'), state, 'none')"
        " WHERE run_key = ? AND task_id = ? AND map_index >= ? AND map_index < ?"
        " AND removed_at IS NOT NULL",
        (whole.run_key, whole.task_id, first, behind),
    )


def half_expanded(tx: Transaction, limit: int) -> list[TaskInstance]:
    """Unmapped rows of which some mapped instances were created and others are pending."""
    rows = tx.all(
        f"{SELECT_TASK} WHERE {TASK_INSTANCES_EXPANDING.of('t')} AND t.mapped_count > 0"
        " ORDER BY t.id LIMIT ?",
        (limit,),
    )
    return [instance_of(row) for row in rows]


def begin_anew(tx: Transaction, run_key: int, dag_id: str, task: Task, tries: int = 0) -> None:
    """Let one row stand for the task, as at first: for the task itself, or for all copies to come.
    The tries of all copies are counted on from `tries`: an attempt's name is never used twice. An
    attempt that goes on in that row is left alone."""
    mapped_count = 0 if task.expand else None
    limits = (task.pool, task.pool_slots, task.priority_weight)
    tx.execute(
        "INSERT INTO task_instances (run_key, dag_id, task_id, map_index, mapped_count, pool,"
        " pool_slots, priority, try_number) VALUES (?, ?, ?, -1, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run_key, task_id, map_index) DO UPDATE SET removed_at = NULL",
        (run_key, dag_id, task.id, mapped_count, *limits, tries),
    )
    tx.execute(
        "UPDATE task_instances SET mapped_count = ?, try_number = max(try_number, ?)"
        " WHERE run_key = ? AND task_id = ? AND map_index = -1"
        " AND state NOT IN ('queued', 'running')",
        (mapped_count, tries, run_key, task.id),
    )
    tx.execute(
        "UPDATE task_instances SET state = 'none', reason = '', due_at = NULL, not_before = NULL,"
        " ended_at = NULL, tries_before = try_number, poke = 0, poke_until = NULL,"
        " first_started_at = NULL"
        " WHERE run_key = ? AND task_id = ? AND removed_at IS NULL AND (map_index = -1"
        " OR state IN ('scheduled', 'up_for_retry', 'up_for_reschedule'))"
        " AND state NOT IN ('queued', 'running')",
        (run_key, task.id),
    )


def end(tx: Transaction, whole: TaskInstance, count: int, now: datetime) -> None:
    """Finish an expansion to `count` copies: retire the row that stood for them, and those that
    were made for a longer list and wait to be made anew."""
    rows = tx.all(
        "SELECT id FROM task_instances WHERE run_key = ? AND task_id = ? AND state = 'none'"
        " AND (map_index < 0 OR map_index >= ?)",
        (whole.run_key, whole.attempt.task_id, count),
    )
    retire(tx, [row["id"] for row in rows], f"there are {count} copies now", now)


def retire(tx: Transaction, keys: Sequence[int], reason: str, now: datetime) -> None:
    """Retire rows that are no longer needed. One that never ran is deleted, another stays as
    history: what waited is cancelled, for that `reason`, and an attempt in flight goes on to its
    end."""
    chosen = json.dumps(list(keys))
    tx.execute(
        "DELETE FROM task_instances WHERE id IN (SELECT value FROM json_each(?))"
        " AND queued_at IS NULL",
        (chosen,),
    )
    tx.execute(
        "UPDATE task_instances SET state = 'cancelled', reason = ?, due_at = NULL, ended_at = ?2,"
        " removed_at = ?2, mapped_count = NULL WHERE id IN (SELECT value FROM json_each(?3))"
        " AND state IN ('none', 'scheduled', 'up_for_retry', 'up_for_reschedule')",
        (reason, to_us(now), chosen),
    )
    tx.execute(
        "UPDATE task_instances SET removed_at = ? WHERE id IN (SELECT value FROM json_each(?))"
        " AND removed_at IS NULL",
        (to_us(now), chosen),
    )


def revive(tx: Transaction, keys: Sequence[int]) -> None:
    """The run's version of the DAG has them again: they stand as they stood, and what waited when
    it was retired waits again."""
    tx.execute(
        "UPDATE task_instances SET removed_at = NULL,"
        " state = iif(state = 'cancelled' AND ended_at = removed_at, 'none', state),"
        " reason = iif(state = 'cancelled' AND ended_at = removed_at, '', reason),"
        " ended_at = iif(state = 'cancelled' AND ended_at = removed_at, NULL, ended_at)"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(keys)),),
    )


def decide_anew(tx: Transaction, run_key: int) -> None:
    """Set back to `none` what is ready and has not begun: whether it may begin is for the new
    version to say. A retry stays ready."""
    tx.execute(
        "UPDATE task_instances SET state = 'none' WHERE run_key = ? AND state = 'scheduled'"
        " AND poke = 0 AND try_number = tries_before",
        (run_key,),
    )
