"""Named queries about the files beside DAG files: who wants which, and what is stored."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.file_patterns import FilePattern, composed, folder_of, folders_above, is_wanted
from chalicelib.dag_files import PinnedFile
from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us

LARGEST_LIST = 100_000
"""Rows of patterns that a comparison of the whole bucket reads."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a version, and the ETag of the object that it was read from."""

    file: PinnedFile
    etag: str


def save_patterns(tx: Transaction, file_key: str, patterns: Iterable[str]) -> None:
    """Replace what the DAG file wants beside it."""
    tx.execute("DELETE FROM file_patterns WHERE file_key = ?", (file_key,))
    beside = composed(folder_of(file_key))
    tx.executemany(
        "INSERT INTO file_patterns (file_key, pattern, folder, name) VALUES (?, ?, ?, ?)",
        [
            (file_key, text, beside + pattern.folder, pattern.name)
            for text in patterns
            for pattern in [FilePattern(text)]
        ],
    )


def wanted_by(tx: Transaction, key: str) -> list[str]:
    """The DAG files that want this object beside them. The cost follows the patterns whose folder
    is one of those above the key."""
    plain = composed(key)
    rows = tx.all(
        "SELECT file_key, pattern FROM file_patterns"
        " WHERE folder IN (SELECT value FROM json_each(?)) AND name IN ('', ?)"
        " ORDER BY file_key, pattern",
        (json.dumps(folders_above(plain)), plain.rpartition("/")[2]),
    )
    wanting = [
        row["file_key"]
        for row in rows
        if is_wanted(key, row["file_key"], FilePattern(row["pattern"]))
    ]
    return list(dict.fromkeys(wanting))


def patterns(tx: Transaction) -> dict[str, list[str]]:
    """The patterns of every DAG file that has some."""
    found: dict[str, list[str]] = {}
    rows = tx.all(
        "SELECT file_key, pattern FROM file_patterns ORDER BY file_key LIMIT ?", (LARGEST_LIST,)
    )
    for row in rows:
        found.setdefault(row["file_key"], []).append(row["pattern"])
    return found


def fingerprints(tx: Transaction) -> dict[str, str]:
    """What was last matched, by the key of each DAG file with patterns."""
    rows = tx.all(
        "SELECT file_key, files_fingerprint FROM dag_files"
        " WHERE file_key IN (SELECT file_key FROM file_patterns)"
    )
    return {row["file_key"]: row["files_fingerprint"] for row in rows}


def listed(tx: Transaction, list_sha256: str) -> list[ListedFile]:
    """The files of a list, by path."""
    rows = tx.all(
        "SELECT path, sha256, size_bytes, is_executable, etag FROM listed_files"
        " WHERE list_sha256 = ? ORDER BY path",
        (list_sha256,),
    )
    return [
        ListedFile(
            PinnedFile(row["path"], row["sha256"], row["size_bytes"], bool(row["is_executable"])),
            row["etag"],
        )
        for row in rows
    ]


def without_dag(tx: Transaction, folder: str, limit: int) -> list[str]:
    """Files in this folder or below it that hold no DAG: broken ones, and those that lie there for
    another DAG."""
    return tx.values(
        "SELECT file_key FROM dag_files WHERE dag_id IS NULL AND file_key >= ?1"
        " AND file_key < ?1 || char(0x10ffff) ORDER BY file_key LIMIT ?2",
        (folder, limit),
    )


def patterns_of(tx: Transaction, file_key: str) -> list[str]:
    """What the DAG file wants beside it."""
    return tx.values(
        "SELECT pattern FROM file_patterns WHERE file_key = ? ORDER BY pattern", (file_key,)
    )


def active_list_sha256(tx: Transaction, dag_id: str) -> str:
    """The list that pins the DAG's active version to its files; empty if it has none."""
    sha256 = tx.value(
        "SELECT v.files_sha256 FROM dags d JOIN dag_versions v ON v.id = d.version_id"
        " WHERE d.dag_id = ?",
        (dag_id,),
    )
    return str(sha256 or "")


def active_list(tx: Transaction, dag_id: str) -> list[ListedFile]:
    """The files of the DAG's active version."""
    sha256 = active_list_sha256(tx, dag_id)
    return listed(tx, sha256) if sha256 else []


def stored(tx: Transaction, contents: Collection[str]) -> dict[str, bool]:
    """Return which of the contents are in the bucket, and whether each is being removed."""
    rows = tx.all(
        "SELECT sha256, is_removing FROM file_contents"
        " WHERE sha256 IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(contents)),),
    )
    return {row["sha256"]: bool(row["is_removing"]) for row in rows}


def save_list(
    tx: Transaction, list_sha256: str, files: Sequence[ListedFile], now: datetime
) -> None:
    """Remember a list, all of whose contents are in the bucket."""
    tx.executemany(
        "INSERT INTO file_contents (sha256, stored_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        [(sha256, to_us(now)) for sha256 in [list_sha256, *(row.file.sha256 for row in files)]],
    )
    tx.executemany(
        "INSERT INTO listed_files (list_sha256, path, sha256, size_bytes, is_executable, etag)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
        " ON CONFLICT (list_sha256, path) DO UPDATE SET etag = ?6",
        [
            (
                list_sha256,
                row.file.path,
                row.file.sha256,
                row.file.size,
                int(row.file.is_executable),
                row.etag,
            )
            for row in files
        ],
    )


def has_contents(tx: Transaction) -> bool:
    """Whether any content is stored."""
    return tx.one("SELECT 1 FROM file_contents LIMIT 1") is not None


def mark_unused(tx: Transaction, before: datetime, limit: int) -> list[str]:
    """Mark contents, stored before this time, that no version refers to; what is marked already
    comes first. Returns their SHA-256."""
    tx.execute(
        "DELETE FROM listed_files WHERE list_sha256 IN ("
        " SELECT DISTINCT l.list_sha256 FROM listed_files l WHERE NOT EXISTS"
        " (SELECT 1 FROM dag_versions v WHERE v.files_sha256 = l.list_sha256))"
    )
    unused = tx.values(
        "SELECT c.sha256 FROM file_contents c WHERE (c.stored_at < ? OR c.is_removing)"
        " AND NOT EXISTS (SELECT 1 FROM listed_files l WHERE l.sha256 = c.sha256)"
        " AND NOT EXISTS (SELECT 1 FROM dag_versions v WHERE v.files_sha256 = c.sha256)"
        " ORDER BY c.is_removing DESC, c.sha256 LIMIT ?",
        (to_us(before), limit),
    )
    tx.execute(
        "UPDATE file_contents SET is_removing = 1 WHERE sha256 IN (SELECT value FROM json_each(?))",
        (json.dumps(unused),),
    )
    return [str(sha256) for sha256 in unused]


def forget_contents(tx: Transaction, contents: Sequence[str]) -> None:
    """Forget contents that are no longer in the bucket."""
    tx.execute(
        "DELETE FROM file_contents WHERE sha256 IN (SELECT value FROM json_each(?))",
        (json.dumps(list(contents)),),
    )


def old(tx: Transaction, before: datetime, limit: int) -> list[str]:
    """Contents stored before this time that a version still refers to, the oldest first."""
    return tx.values(
        "SELECT c.sha256 FROM file_contents c WHERE c.stored_at < ? AND NOT c.is_removing"
        " AND (EXISTS (SELECT 1 FROM listed_files l WHERE l.sha256 = c.sha256)"
        " OR EXISTS (SELECT 1 FROM dag_versions v WHERE v.files_sha256 = c.sha256))"
        " ORDER BY c.stored_at, c.sha256 LIMIT ?",
        (to_us(before), limit),
    )


def set_stored(tx: Transaction, contents: Sequence[str], now: datetime) -> None:
    """Record that contents were stored again."""
    tx.execute(
        "UPDATE file_contents SET stored_at = ? WHERE sha256 IN (SELECT value FROM json_each(?))",
        (to_us(now), json.dumps(list(contents))),
    )


def adopt(tx: Transaction, contents: Iterable[str], now: datetime) -> None:
    """Remember contents that are in the bucket though no commit says so."""
    tx.executemany(
        "INSERT INTO file_contents (sha256, stored_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(sha256, to_us(now)) for sha256 in contents],
    )


def between(tx: Transaction, after: str, until: str, before: datetime) -> list[str]:
    """The contents, stored before this time, whose SHA-256 lie in (after, until]."""
    return tx.values(
        "SELECT sha256 FROM file_contents WHERE sha256 > ? AND sha256 <= ?"
        " AND stored_at < ? AND NOT is_removing",
        (after, until, to_us(before)),
    )


def renew(tx: Transaction, contents: Sequence[str]) -> int:
    """Let the DAG files be read again whose active version has one of these contents, or is pinned
    by one. Returns how many."""
    return tx.execute(
        "UPDATE dag_files SET files_fingerprint = 'lost' WHERE dag_id IN ("
        " SELECT d.dag_id FROM dags d JOIN dag_versions v ON v.id = d.version_id"
        " WHERE v.files_sha256 IN (SELECT value FROM json_each(?1)"
        "  UNION SELECT l.list_sha256 FROM listed_files l"
        "  WHERE l.sha256 IN (SELECT value FROM json_each(?1))))",
        (json.dumps(list(contents)),),
    )
