"""Named queries about `_defaults.yaml`: what was last valid of each, and the pools they define."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from chalicelib.dag.file_patterns import folder_of, folders_above
from chalicelib.dag.model import SharedPool
from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.index_predicates import DAGS_WITH_WARNINGS

MAX_FILES = 1000


def above(tx: Transaction, key: str) -> dict[str, str]:
    """The source of each file in the folders above the key, the outermost first."""
    rows = tx.all(
        "SELECT file_key, source FROM defaults_files"
        " WHERE folder IN (SELECT value FROM json_each(?)) ORDER BY length(folder), file_key",
        (json.dumps(folders_above(key)),),
    )
    return {row["file_key"]: row["source"] for row in rows}


def sources(tx: Transaction) -> dict[str, str]:
    """The source of every file, the outermost folder first."""
    rows = tx.all(
        "SELECT file_key, source FROM defaults_files ORDER BY length(folder), file_key LIMIT ?",
        (MAX_FILES,),
    )
    return {row["file_key"]: row["source"] for row in rows}


def source(tx: Transaction, key: str) -> str | None:
    """The source of one file; None if it was never valid."""
    text: str | None = tx.value("SELECT source FROM defaults_files WHERE file_key = ?", (key,))
    return text


def save(tx: Transaction, key: str, text: str, now: datetime) -> None:
    """Remember what is valid."""
    tx.execute(
        "INSERT OR REPLACE INTO defaults_files (file_key, folder, source, read_at)"
        " VALUES (?, ?, ?, ?)",
        (key, folder_of(key), text, to_us(now)),
    )


def forget(tx: Transaction, key: str) -> bool:
    """The file is gone; False if it was never valid."""
    return tx.execute("DELETE FROM defaults_files WHERE file_key = ?", (key,)) == 1


def forget_etags_below(tx: Transaction, key: str, limit: int) -> list[str]:
    """Have every file in the folder of this one, and below it, read again. Returns the keys of at
    most `limit` of them."""
    folder = folder_of(key)
    bounds = (folder, key)
    below = "file_key >= ?1 AND file_key < ?1 || char(0x10ffff) AND file_key <> ?2"
    tx.execute(f"UPDATE dag_files SET etag = '' WHERE {below}", bounds)
    return tx.values(
        f"SELECT file_key FROM dag_files WHERE {below} ORDER BY file_key LIMIT ?3",
        (*bounds, limit),
    )


def save_pools(
    tx: Transaction, pools: Mapping[str, tuple[str, SharedPool]], now: datetime
) -> list[str]:
    """Let the pools of files be exactly these, each with its file's key. Returns the names of those
    that were made, changed or removed."""
    known = {
        row["name"]: (row["file_key"], SharedPool(row["name"], row["slots"], row["description"]))
        for row in tx.all("SELECT name, slots, description, file_key FROM pools")
    }
    changed = [name for name, defined in pools.items() if known.get(name) != defined]
    gone = [name for name, (key, _) in known.items() if key is not None and name not in pools]
    tx.executemany(
        "INSERT INTO pools (name, slots, description, updated_at, file_key)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name)"
        " DO UPDATE SET slots = ?2, description = ?3, updated_at = ?4, file_key = ?5",
        [
            (name, pools[name][1].slots, pools[name][1].description, to_us(now), pools[name][0])
            for name in changed
        ],
    )
    tx.executemany("DELETE FROM pools WHERE name = ?", [(name,) for name in gone])
    return [*changed, *gone]


def unknown_pools(tx: Transaction, names: Collection[str]) -> set[str]:
    """Those of the names that no pool has."""
    known = tx.values(
        "SELECT name FROM pools WHERE name IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(names)),),
    )
    return set(names) - set(known)


def pool_file(tx: Transaction, name: str) -> str | None:
    """The key of the file that defines the pool; None if a user did, or there is none."""
    key: str | None = tx.value("SELECT file_key FROM pools WHERE name = ?", (name,))
    return key


def dags_with_warning(tx: Transaction, code: str) -> dict[str, str]:
    """The warnings, as JSON, of the DAGs that have one with this code."""
    rows = tx.all(
        f"SELECT dag_id, warnings FROM dags WHERE {DAGS_WITH_WARNINGS} AND instr(warnings, ?) > 0",
        (code,),
    )
    return {row["dag_id"]: row["warnings"] for row in rows}


def set_warnings(tx: Transaction, dag_id: str, warnings: str) -> None:
    """Replace the warnings of a DAG."""
    tx.execute("UPDATE dags SET warnings = ? WHERE dag_id = ?", (warnings, dag_id))
