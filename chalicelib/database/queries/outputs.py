"""Named queries about what tasks wrote to $DAG_OUTPUT."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.database.connection import Transaction


def save(tx: Transaction, key: int, outputs: Mapping[str, Any]) -> None:
    """Keep what the task wrote; an earlier success's outputs go."""
    tx.execute(
        "INSERT OR REPLACE INTO task_outputs (task_instance_id, outputs) VALUES (?, ?)",
        (key, json.dumps(outputs)),
    )


def remove(tx: Transaction, keys: Sequence[int]) -> None:
    """Remove the outputs of task instances that run again, so that none counts if they fail."""
    tx.execute(
        "DELETE FROM task_outputs WHERE task_instance_id IN (SELECT value FROM json_each(?))",
        (json.dumps(keys),),
    )


def of_task(tx: Transaction, run_key: int, task_id: str) -> list[tuple[int, dict[str, Any]]]:
    """(map_index, outputs) of every instance of the task that has some, in order."""
    rows = tx.all(
        "SELECT t.map_index, o.outputs FROM task_instances t"
        " JOIN task_outputs o ON o.task_instance_id = t.id"
        " WHERE t.run_key = ? AND t.task_id = ? ORDER BY t.map_index",
        (run_key, task_id),
    )
    return [(row["map_index"], json.loads(row["outputs"])) for row in rows]
