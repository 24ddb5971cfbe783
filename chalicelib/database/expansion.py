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
    """Make copies of an expanded task, ready, numbered from `first`."""
    tx.executemany(
        "INSERT INTO task_instances (run_key, dag_id, task_id, map_index, item, state, pool,"
        " pool_slots, priority, try_number, tries_before) SELECT run_key, dag_id, task_id, ?, ?,"
        " 'scheduled', pool, pool_slots, priority, try_number, try_number"
        " FROM task_instances WHERE id = ?",
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


def reset(tx: Transaction, key: int, tries: int) -> None:
    """The copies of this expanded task are to be made anew: the row stands for all of them again.
    Their tries are counted on from `tries`, because an attempt's name is never used twice."""
    tx.execute(
        "UPDATE task_instances SET map_index = -1, item = NULL, copies = 0, try_number = ?"
        " WHERE id = ?",
        (tries, key),
    )
