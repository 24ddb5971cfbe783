"""The files beside a DAG file, as its versions have them."""

from __future__ import annotations

from chalicelib.dag_files import content_key
from chalicelib.database.connection import Transaction
from chalicelib.database.reads.dag_values import DagFileOfVersion
from chalicelib.database.reads.page import Page
from chalicelib.database.row_builder import build

# What is asked for, else the active one.
_VERSION = """
    FROM dags d CROSS JOIN dag_versions v ON v.dag_id = d.dag_id
    WHERE d.dag_id = :dag_id AND v.version = coalesce(
        :version, (SELECT version FROM dag_versions WHERE id = d.version_id))
"""
VERSION = f"SELECT v.version, v.files_sha256 {_VERSION}"
FILES = """
    SELECT path, sha256, size_bytes, is_executable FROM listed_files
    WHERE list_sha256 = :list_sha256 AND path > :after ORDER BY path LIMIT :limit
"""
ONE = """
    SELECT path, sha256, size_bytes, is_executable FROM listed_files
    WHERE list_sha256 = :list_sha256 AND path = :path
"""


def version_of(tx: Transaction, dag_id: str, version: int | None) -> tuple[int, str] | None:
    """The number of the version asked for, else of the active one, and the list that pins it to its
    files; None if it is not kept."""
    row = tx.one(VERSION, {"dag_id": dag_id, "version": version})
    return (row["version"], row["files_sha256"] or "") if row else None


def list_files(
    tx: Transaction, list_sha256: str, *, limit: int, after: str | None = None
) -> Page[DagFileOfVersion, str]:
    """The files of a list, by path."""
    params = {"list_sha256": list_sha256, "after": after or "", "limit": limit + 1}
    rows = tx.all(FILES, params)
    items = [build(DagFileOfVersion, row) for row in rows[:limit]]
    return Page(items, items[-1].path if len(rows) > limit else None)


def find(tx: Transaction, list_sha256: str, path: str) -> DagFileOfVersion | None:
    """One file of a list."""
    row = tx.one(ONE, {"list_sha256": list_sha256, "path": path})
    return build(DagFileOfVersion, row) if row else None


def key_of(file: DagFileOfVersion) -> str:
    """The key of its content in the runs bucket."""
    return content_key(file.sha256)
