"""Named queries about the copies of expanded tasks, and the row that stands for those to come."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.database.connection import Transaction
from chalicelib.database.task_instances import SELECT_TASK, TaskInstance, instance_of


def insert(
    tx: Transaction, whole: TaskInstance, first: int, items: Sequence[Mapping[str, Any]]
) -> None:
    """Make copies of an expanded task, ready, numbered from `first`. One that is there from before
    it was cleared is taken again, for the sake of its history."""
    tx.executemany(
        "INSERT INTO task_instances (run_key, dag_id, task_id, map_index, item, state, pool,"
        " pool_slots, priority, try_number, tries_before) SELECT run_key, dag_id, task_id, ?, ?,"
        " 'scheduled', pool, pool_slots, priority, try_number, try_number"
        " FROM task_instances WHERE id = ?"
        " ON CONFLICT (run_key, task_id, map_index) DO UPDATE SET item = excluded.item,"
        " state = 'scheduled', reason = '', try_number = excluded.try_number,"
        " tries_before = excluded.tries_before WHERE task_instances.state = 'none'",
        [(first + n, json.dumps(item), whole.key) for n, item in enumerate(items)],
    )
    tx.execute("UPDATE task_instances SET copies = ? WHERE id = ?", (first + len(items), whole.key))


def half_expanded(tx: Transaction, limit: int) -> list[TaskInstance]:
    """Rows that stand for copies of which some have been made and others are still to be."""
    rows = tx.all(
        SELECT_TASK + "WHERE t.copies IS NOT NULL AND t.state = 'none' AND t.copies > 0 LIMIT ?",
        (limit,),
    )
    return [instance_of(row) for row in rows]


def begin_anew(tx: Transaction, of: TaskInstance, tries: int) -> None:
    """Let one row stand for all copies to come of the task that `of` belongs to, as at first. The
    tries of all copies are counted on from `tries`: an attempt's name is never used twice."""
    tx.execute(
        "INSERT INTO task_instances (run_key, dag_id, task_id, map_index, copies, pool, pool_slots,"
        " priority, try_number) SELECT run_key, dag_id, task_id, -1, 0, pool, pool_slots, priority,"
        " ? FROM task_instances WHERE id = ?"
        " ON CONFLICT (run_key, task_id, map_index) DO UPDATE SET copies = 0,"
        " try_number = max(task_instances.try_number, excluded.try_number)",
        (tries, of.key),
    )


def end(tx: Transaction, whole: TaskInstance, count: int) -> None:
    """All `count` copies are made: remove the row that stood for them, and those that were made for
    a longer list and wait to be made anew."""
    tx.execute(
        "DELETE FROM task_instances WHERE run_key = ? AND task_id = ? AND state = 'none'"
        " AND (map_index < 0 OR map_index >= ?)",
        (whole.run_key, whole.attempt.task_id, count),
    )
