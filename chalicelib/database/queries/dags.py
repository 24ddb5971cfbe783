"""Named queries about DAG files, DAGs and their versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.dag.model import Dag
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.connection.times import from_us, to_us
from chalicelib.database.queries.definitions import compiled
from chalicelib.database.row_builder import Builder, build


@dataclass(frozen=True, slots=True)
class RegisteredDag:
    """A DAG as the scheduler needs it: its switches and limits, and which definition is active."""

    dag_id: str
    file_key: str
    version_id: int
    max_active_runs: int
    max_active_tasks: int
    is_paused: bool
    next_fire_at: datetime | None
    is_removed: bool


REGISTERED_DAG = """
    SELECT dag_id, file_key, version_id, max_active_runs, max_active_tasks, is_paused,
           next_fire_at, removed_at IS NOT NULL AS is_removed
    FROM dags
"""


def find(tx: Transaction, dag_id: str) -> RegisteredDag | None:
    """The DAG by its id, removed ones included."""
    row = tx.one(REGISTERED_DAG + "WHERE dag_id = ?", (dag_id,))
    return registered(row) if row else None


def due(tx: Transaction, horizon: datetime, limit: int) -> list[RegisteredDag]:
    """DAGs whose next fire time has come, the longest overdue first."""
    rows = tx.all(
        REGISTERED_DAG + "WHERE next_fire_at <= ? ORDER BY next_fire_at LIMIT ?",
        (to_us(horizon), limit),
    )
    return [registered(row) for row in rows]


def fire_moments(tx: Transaction, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The distinct next fire times in (after, until], earliest first."""
    values = tx.values(
        "SELECT DISTINCT next_fire_at FROM dags WHERE next_fire_at > ? AND next_fire_at <= ?"
        " ORDER BY next_fire_at LIMIT ?",
        (to_us(after), to_us(until), limit),
    )
    return [from_us(value) for value in values]


def set_next_fire(tx: Transaction, dag_id: str, moment: datetime | None, now: datetime) -> None:
    """Move the DAG's clock."""
    tx.execute(
        "UPDATE dags SET next_fire_at = ?, next_fire_set_at = ? WHERE dag_id = ?",
        (to_us(moment), to_us(now), dag_id),
    )


def set_paused(
    tx: Transaction,
    dag_id: str,
    is_paused: bool,
    next_fire_at: datetime | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Pause or unpause; `reason` says why if no user did it."""
    tx.execute(
        "UPDATE dags SET is_paused = ?1, next_fire_at = ?2, next_fire_set_at = ?3, updated_at = ?3,"
        " paused_reason = ?4, unpaused_at = iif(?1, unpaused_at, ?3) WHERE dag_id = ?5",
        (int(is_paused), to_us(next_fire_at), to_us(now), reason, dag_id),
    )


def tagged(tx: Transaction, tag: str, limit: int) -> list[str]:
    """The DAGs with this tag."""
    return tx.values(
        "SELECT t.dag_id FROM dag_tags t JOIN dags d ON d.dag_id = t.dag_id"
        " WHERE t.tag = ? AND d.removed_at IS NULL ORDER BY t.dag_id LIMIT ?",
        (tag, limit),
    )


def set_removed(tx: Transaction, dag_id: str, now: datetime) -> None:
    """The DAG's file is gone: no more fire times; its history stays."""
    tx.execute(
        "UPDATE dags SET removed_at = ?, next_fire_at = NULL, updated_at = ? WHERE dag_id = ?",
        (to_us(now), to_us(now), dag_id),
    )


def is_active(tx: Transaction, dag: Dag, source: str) -> bool:
    """Whether the active version has this source and this compiled form."""
    row = tx.one(
        "SELECT v.source, v.digest FROM dags d JOIN dag_versions v ON v.id = d.version_id"
        " WHERE d.dag_id = ?",
        (dag.dag_id,),
    )
    return row is not None and row["source"] == source and row["digest"] == compiled(dag)[1]


def is_rejected(tx: Transaction, key: str) -> bool:
    """Whether the file has an import error."""
    return tx.one("SELECT 1 FROM import_errors WHERE file_key = ?", (key,)) is not None


def has_import_error(tx: Transaction, dag_id: str) -> bool:
    """Whether the DAG's file has changed since its active version, and cannot be read."""
    row = tx.one(
        "SELECT 1 FROM dags d JOIN import_errors e ON e.file_key = d.file_key WHERE d.dag_id = ?",
        (dag_id,),
    )
    return row is not None


def add_version(tx: Transaction, dag: Dag, key: str, etag: str, source: str, now: datetime) -> int:
    """Store a new version, numbered on from the last; answers its id."""
    text, digest = compiled(dag)
    return tx.insert(
        "INSERT INTO dag_versions"
        " (dag_id, version, file_key, etag, digest, source, compiled, created_at, files_sha256)"
        " SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
        " FROM dag_versions WHERE dag_id = ?1",
        (dag.dag_id, key, etag, digest, source, text, to_us(now), dag.files_sha256 or None),
    )


def activate(
    tx: Transaction,
    dag: Dag,
    version_id: int,
    file_key: str,
    is_paused: bool,
    next_fire_at: datetime | None,
    now: datetime,
    warnings: Sequence[dict[str, Any]] = (),
) -> None:
    """Make this version the one that new runs use; creates the DAG or revives a removed one."""
    tx.execute(
        "INSERT INTO dags (dag_id, file_key, version_id, name, description, owner, tags, schedule,"
        " timezone, max_active_runs, max_active_tasks, is_paused, next_fire_at, created_at,"
        " updated_at, next_fire_set_at, retention_days, warnings)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?14, ?15, ?16)"
        " ON CONFLICT (dag_id) DO UPDATE SET file_key = ?2, version_id = ?3, name = ?4,"
        " description = ?5, owner = ?6, tags = ?7, schedule = ?8, timezone = ?9,"
        " max_active_runs = ?10, max_active_tasks = ?11, is_paused = ?12, next_fire_at = ?13,"
        " updated_at = ?14, next_fire_set_at = ?14, retention_days = ?15, warnings = ?16,"
        " removed_at = NULL",
        (
            dag.dag_id,
            file_key,
            version_id,
            dag.name,
            dag.description,
            dag.owner,
            json.dumps(dag.tags),
            json.dumps(dag.schedule),
            dag.timezone,
            dag.max_active_runs,
            dag.max_active_tasks,
            int(is_paused),
            to_us(next_fire_at),
            to_us(now),
            dag.retention_days,
            json.dumps(warnings),
        ),
    )
    tx.execute("DELETE FROM dag_tags WHERE dag_id = ?", (dag.dag_id,))
    tx.executemany(
        "INSERT OR IGNORE INTO dag_tags (tag, dag_id) VALUES (?, ?)",
        [(tag, dag.dag_id) for tag in dag.tags],
    )


@dataclass(frozen=True, slots=True)
class DagFile:
    """What was last read from one object of the bucket. `files_fingerprint` stands for the files
    beside it."""

    file_key: str
    etag: str
    dag_id: str | None
    files_fingerprint: str


_DAG_FILE = "SELECT file_key, etag, dag_id, files_fingerprint FROM dag_files "


def file(tx: Transaction, key: str) -> DagFile | None:
    """The file by its key."""
    row = tx.one(_DAG_FILE + "WHERE file_key = ?", (key,))
    return build(DagFile, row) if row else None


def file_of(tx: Transaction, dag_id: str) -> DagFile | None:
    """The file that holds this DAG."""
    row = tx.one(_DAG_FILE + "WHERE dag_id = ?", (dag_id,))
    return build(DagFile, row) if row else None


def files(tx: Transaction) -> dict[str, str]:
    """Every known file: key to ETag."""
    return {row["file_key"]: row["etag"] for row in tx.all("SELECT file_key, etag FROM dag_files")}


def forget_etags(tx: Transaction) -> None:
    """Have every file read again: none is known as it is."""
    tx.execute("UPDATE dag_files SET etag = ''")


def save_file(
    tx: Transaction,
    key: str,
    etag: str,
    dag_id: str | None,
    now: datetime,
    files_fingerprint: str = "",
) -> None:
    """Remember what was read, and by which DAG it is known."""
    tx.execute(
        "INSERT INTO dag_files (file_key, etag, dag_id, read_at, files_fingerprint)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (file_key) DO UPDATE SET etag = ?2, dag_id = ?3,"
        " read_at = ?4, files_fingerprint = ?5",
        (key, etag, dag_id, to_us(now), files_fingerprint),
    )


def forget_file(tx: Transaction, key: str) -> None:
    """The object is gone; its import error goes with it."""
    tx.execute("DELETE FROM dag_files WHERE file_key = ?", (key,))


def set_import_error(
    tx: Transaction,
    key: str,
    problems: Sequence[dict[str, object]],
    lines: Sequence[dict[str, object]],
    wanted_dag_id: str | None,
    now: datetime,
) -> None:
    """Record why the file cannot be registered, with its `lines` around the problems;
    `wanted_dag_id` if another file holds that DAG."""
    tx.execute(
        "INSERT OR REPLACE INTO import_errors (file_key, problems, lines, wanted_dag_id,"
        " recorded_at) VALUES (?, ?, ?, ?, ?)",
        (key, json.dumps(list(problems)), json.dumps(list(lines)), wanted_dag_id, to_us(now)),
    )


def recorded_problems(tx: Transaction, key: str) -> list[dict[str, Any]] | None:
    """Why the file could not be registered when it was last read; None if it could."""
    text = tx.value("SELECT problems FROM import_errors WHERE file_key = ?", (key,))
    problems: list[dict[str, Any]] | None = None if text is None else json.loads(text)
    return problems


def clear_import_error(tx: Transaction, key: str) -> None:
    """The file is fine again."""
    tx.execute("DELETE FROM import_errors WHERE file_key = ?", (key,))


def files_wanting(tx: Transaction, dag_id: str) -> list[str]:
    """Files that were refused because another file held this dag_id, in the order of arrival."""
    return tx.values(
        "SELECT file_key FROM import_errors WHERE wanted_dag_id = ? ORDER BY recorded_at, file_key",
        (dag_id,),
    )


_build_registered = Builder(RegisteredDag)


def registered(row: Row) -> RegisteredDag:
    """Return the DAG of a row of REGISTERED_DAG."""
    return _build_registered(row)
