"""Artifacts of runs, in the order in which their DAG has the tasks."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.database.connection import Row, Transaction
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.run_values import Artifact
from chalicelib.database.row_builder import build
from chalicelib.messages import Attempt

_COLUMNS = """
    SELECT t.id AS task_key, t.dag_id, t.task_id, t.map_index, a.name, a.file_name, a.is_folder,
           a.size_bytes, a.sha256, a.try_number, a.poke, a.created_at
    FROM runs r CROSS JOIN task_instances t ON t.run_key = r.id
    CROSS JOIN artifacts a ON a.task_instance_id = t.id
    WHERE r.run_id = :run_id
"""
# One run has at most some thousand tasks, found by the run and then sorted.
OF_RUN = f"""
    {_COLUMNS} AND (:task_id IS NULL OR t.task_id = :task_id)
    AND (:map_index IS NULL OR t.map_index = :map_index)
    AND (+t.id, a.name) > (:task_key, :name) ORDER BY +t.id, a.name LIMIT :limit
"""
OF_INSTANCE = f"""
    {_COLUMNS} AND t.task_id = :task_id AND t.map_index = :map_index ORDER BY a.name LIMIT :limit
"""
ONE = f"{_COLUMNS} AND t.task_id = :task_id AND t.map_index = :map_index AND a.name = :name"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An artifact, and the key of its object in the runs bucket."""

    artifact: Artifact
    key: str


def list_artifacts(
    tx: Transaction,
    run_id: str,
    *,
    limit: int,
    after: str | None = None,
    task_id: str | None = None,
    map_index: int | None = None,
) -> Page[Artifact, str]:
    """The artifacts of a run, or of a task of it."""
    task_key, _, name = (after or "0/").partition("/")
    params = {"run_id": run_id, "task_id": task_id, "map_index": map_index, "name": name}
    rows = tx.all(OF_RUN, {**params, "task_key": _number(task_key), "limit": limit + 1})
    items = [build(Artifact, row) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items, f"{last['task_key']}/{last['name']}" if last else None)


def of_instance(
    tx: Transaction, run_id: str, task_id: str, map_index: int, *, limit: int
) -> list[Artifact]:
    """The artifacts of one task instance, by name."""
    params = {"run_id": run_id, "task_id": task_id, "map_index": map_index, "limit": limit}
    return [build(Artifact, row) for row in tx.all(OF_INSTANCE, params)]


def find(
    tx: Transaction, run_id: str, task_id: str, map_index: int, name: str
) -> StoredObject | None:
    """One artifact, and where it is."""
    params = {"run_id": run_id, "task_id": task_id, "map_index": map_index, "name": name}
    row = tx.one(ONE, params)
    return None if row is None else StoredObject(build(Artifact, row), _key(run_id, row))


def _key(run_id: str, row: Row) -> str:
    attempt = Attempt(
        row["dag_id"], run_id, row["task_id"], row["map_index"], row["try_number"], row["poke"]
    )
    return attempt.artifact_key(row["name"])


def _number(text: str) -> int:
    """Return the number in a cursor; one that a client made up means the beginning."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0
