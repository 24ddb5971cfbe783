"""Named queries about the files and folders that tasks left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.database.row_builder import build
from chalicelib.messages import StoredArtifact


@dataclass(frozen=True, slots=True)
class KeptArtifact:
    """An artifact of an attempt that succeeded, and of the instance's last success."""

    map_index: int
    try_number: int
    poke: int
    size_bytes: int
    sha256: str
    is_folder: bool
    is_executable: bool


def save(
    tx: Transaction, task: TaskInstance, artifacts: Iterable[StoredArtifact], now: datetime
) -> None:
    """Keep what the attempt left; what an earlier one left goes."""
    remove(tx, [task.key])
    tx.executemany(
        "INSERT INTO artifacts (task_instance_id, name, try_number, poke, file_name, size_bytes,"
        " sha256, is_folder, is_executable, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                task.key,
                artifact.name,
                task.try_number,
                task.attempt.poke,
                artifact.file_name,
                artifact.size,
                artifact.sha256,
                artifact.is_folder,
                artifact.is_executable,
                to_us(now),
            )
            for artifact in artifacts
        ],
    )


def remove(tx: Transaction, keys: Sequence[int]) -> None:
    """Remove the artifacts of task instances that run again, so that none counts if they fail."""
    tx.execute(
        "DELETE FROM artifacts WHERE task_instance_id IN (SELECT value FROM json_each(?))",
        (json.dumps(keys),),
    )


def of_task(tx: Transaction, run_key: int, task_id: str, name: str) -> list[KeptArtifact]:
    """The artifact of every instance of the task that has it, by map index."""
    rows = tx.all(
        "SELECT t.map_index, a.try_number, a.poke, a.size_bytes, a.sha256, a.is_folder,"
        " a.is_executable FROM task_instances t JOIN artifacts a ON a.task_instance_id = t.id"
        " WHERE t.run_key = ? AND t.task_id = ? AND a.name = ? AND t.removed_at IS NULL"
        " ORDER BY t.map_index",
        (run_key, task_id, name),
    )
    return [build(KeptArtifact, row) for row in rows]
