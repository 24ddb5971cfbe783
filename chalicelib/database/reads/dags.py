"""DAGs, their versions and sources."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from chalicelib.dag.model import NOTIFICATION_FIELDS, Dag, Task
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.queries import definitions
from chalicelib.database.queries.definitions import DefinitionUnusable
from chalicelib.database.reads.dag_values import (
    DagSource,
    DagSummary,
    DagVersion,
    DagVersionWithTasks,
    DagWithDefinition,
    Edge,
    Graph,
    LastRun,
    Tag,
)
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.window import WINDOW
from chalicelib.database.row_builder import build_readable, warnings_of
from chalicelib.notification_kinds import shown_target

_COLUMNS = """
    SELECT d.dag_id, d.name, d.description, d.owner, d.tags, d.schedule, d.timezone, d.is_paused,
           d.paused_reason, d.next_fire_at, d.max_active_runs, d.max_active_tasks, d.file_key,
           d.created_at, d.updated_at, d.removed_at, d.version_id, v.version,
           (SELECT s.reason FROM skipped s WHERE s.dag_id = d.dag_id AND s.dag_id IS NOT NULL
            ORDER BY s.last_at DESC LIMIT 1) AS problem,
           EXISTS (SELECT 1 FROM import_errors e WHERE e.file_key = d.file_key) AS has_import_error,
           iif(json_valid(d.warnings), json_array_length(d.warnings), 0) AS warning_count,
           r.run_id AS last_run_id, r.state AS last_state, r.logical_date AS last_logical_date,
           r.started_at AS last_started_at, r.ended_at AS last_ended_at,
           r.failed_tasks AS last_failed_tasks
"""
# CROSS JOIN is SQLite's word for "in this order": the page first, the rest for its rows only.
_JOINS = """
    CROSS JOIN dag_versions v ON v.id = d.version_id
    LEFT JOIN runs r ON r.id = (SELECT max(id) FROM runs WHERE dag_id = d.dag_id)
"""
_FILTERS = """
    d.removed_at IS NULL AND d.dag_id <= :last
    AND (:is_paused IS NULL OR d.is_paused = :is_paused)
    AND (:pattern IS NULL OR holds(:pattern, d.dag_id, d.name, d.description)
         OR EXISTS (SELECT 1 FROM json_each(iif(json_valid(d.tags), d.tags, '[]'))
                    WHERE holds(:pattern, value)))
"""

ONE = f"{_COLUMNS}, d.warnings FROM dags d {_JOINS} WHERE d.dag_id = :dag_id"
LIST = f"""
    {_COLUMNS} FROM dags d {_JOINS} WHERE d.dag_id > :after AND {_FILTERS}
    ORDER BY d.dag_id LIMIT :limit
"""
LIST_BY_TAG = f"""
    {_COLUMNS} FROM dag_tags t CROSS JOIN dags d ON d.dag_id = t.dag_id {_JOINS}
    WHERE t.tag = :tag AND t.dag_id > :after AND {_FILTERS} ORDER BY t.dag_id LIMIT :limit
"""
LIST_FAILING = f"""
    {_COLUMNS} FROM (SELECT DISTINCT dag_id FROM open_failures) f
    CROSS JOIN dags d ON d.dag_id = f.dag_id {_JOINS}
    WHERE d.dag_id > :after AND {_FILTERS} ORDER BY d.dag_id LIMIT :limit
"""
LAST_OF_WINDOW = f"""
    SELECT dag_id FROM dags WHERE dag_id > :after ORDER BY dag_id LIMIT 1 OFFSET {WINDOW - 1}
"""
LAST_OF_WINDOW_BY_TAG = f"""
    SELECT dag_id FROM dag_tags WHERE tag = :tag AND dag_id > :after
    ORDER BY dag_id LIMIT 1 OFFSET {WINDOW - 1}
"""
UPCOMING = f"""
    {_COLUMNS} FROM dags d INDEXED BY dags_due {_JOINS} WHERE d.next_fire_at IS NOT NULL
    ORDER BY d.next_fire_at LIMIT ?
"""
TAGS = """
    SELECT t.tag, count(*) AS dag_count, sum(d.is_paused) AS paused_count
    FROM dag_tags t CROSS JOIN dags d ON d.dag_id = t.dag_id
    WHERE t.tag > :after AND d.removed_at IS NULL GROUP BY t.tag ORDER BY t.tag LIMIT :limit
"""
VERSIONS = """
    SELECT v.version, v.file_key, v.etag, v.created_at, v.id = d.version_id AS is_active
    FROM dag_versions v CROSS JOIN dags d ON d.dag_id = v.dag_id
    WHERE v.dag_id = :dag_id AND v.version < :before ORDER BY v.version DESC LIMIT :limit
"""
# What is asked for, else the active one.
SOURCE = """
    SELECT v.dag_id, v.version, v.file_key, v.etag, v.created_at, v.source,
           v.id = d.version_id AS is_active
    FROM dags d CROSS JOIN dag_versions v ON v.dag_id = d.dag_id
    WHERE d.dag_id = :dag_id AND v.version = coalesce(
        :version, (SELECT version FROM dag_versions WHERE id = d.version_id))
"""
VERSION = """
    SELECT v.id, v.dag_id, v.version, v.file_key, v.etag, v.created_at,
           v.id = d.version_id AS is_active
    FROM dag_versions v CROSS JOIN dags d ON d.dag_id = v.dag_id
    WHERE v.dag_id = ? AND v.version = ?
"""
_NO_BOUND = "\U0010ffff"
"""Sorts after every dag_id."""
EXISTS = "SELECT 1 FROM dags WHERE dag_id = ?"


def list_dags(
    tx: Transaction,
    *,
    limit: int,
    after: str | None = None,
    tag: str | None = None,
    is_paused: bool | None = None,
    search: str | None = None,
    is_failing: bool = False,
) -> Page[DagSummary, str]:
    """DAGs by dag_id, removed ones left out, or those with open failures. `search` is part of the
    dag_id, name, description or a tag, in either case. No more than WINDOW are looked through for
    one page, so that one may have fewer than `limit`, or none, though more follow."""
    params = {
        "after": after or "",
        "tag": tag,
        "is_paused": None if is_paused is None else int(is_paused),
        "pattern": search,
        "limit": limit + 1,
    }
    last = None
    if search is not None or is_paused is not None:
        last = tx.value(LAST_OF_WINDOW if tag is None else LAST_OF_WINDOW_BY_TAG, params)
    page = LIST_FAILING if is_failing else LIST if tag is None else LIST_BY_TAG
    rows = tx.all(page, {**params, "last": _NO_BOUND if last is None else last})
    items = [build_readable(DagSummary, row, last_run=_last_run(row)) for row in rows[:limit]]
    return Page(items, items[-1].dag_id if len(rows) > limit else last)


def upcoming(tx: Transaction, *, limit: int) -> list[DagSummary]:
    """The DAGs with a next fire time, soonest first."""
    return [
        build_readable(DagSummary, row, last_run=_last_run(row))
        for row in tx.all(UPCOMING, (limit,))
    ]


def tags(tx: Transaction, *, limit: int, after: str | None = None) -> Page[Tag, str]:
    """Tags of DAGs, by name; those that only removed ones have are left out."""
    rows = tx.all(TAGS, {"after": after or "", "limit": limit + 1})
    items = [build_readable(Tag, row) for row in rows[:limit]]
    return Page(items, items[-1].tag if len(rows) > limit else None)


def dag(tx: Transaction, dag_id: str) -> DagWithDefinition | None:
    """One DAG with its active definition, removed or not."""
    row = tx.one(ONE, {"dag_id": dag_id})
    if row is None:
        return None
    item = build_readable(DagSummary, row, last_run=_last_run(row))
    definition = definitions.definition(tx, row["version_id"])
    warnings = warnings_of(row)
    try:
        return DagWithDefinition(**_values(item), **_of_definition(definition), warnings=warnings)
    except Exception as error:
        raise DefinitionUnusable(f"DAG {dag_id!r}", error) from error


def has_any(tx: Transaction) -> bool:
    """Whether a DAG is registered, or was."""
    return tx.one("SELECT 1 FROM dags LIMIT 1") is not None


def exists(tx: Transaction, dag_id: str) -> bool:
    """Whether there is, or was, such a DAG."""
    return tx.one(EXISTS, (dag_id,)) is not None


def timezone(tx: Transaction, dag_id: str) -> str | None:
    """The time zone of a DAG, registered or removed."""
    zone: str | None = tx.value("SELECT timezone FROM dags WHERE dag_id = ?", (dag_id,))
    return zone


def definition(tx: Transaction, dag_id: str) -> Dag | None:
    """The active definition."""
    row = tx.one("SELECT version_id FROM dags WHERE dag_id = ?", (dag_id,))
    return definitions.definition(tx, row["version_id"]) if row else None


def versions(
    tx: Transaction, dag_id: str, *, limit: int, before: int | None = None
) -> Page[DagVersion, int]:
    """The versions that are kept, newest first."""
    params = {"dag_id": dag_id, "before": _before(before), "limit": limit + 1}
    rows = tx.all(VERSIONS, params)
    items = [build_readable(DagVersion, row) for row in rows[:limit]]
    return Page(items, items[-1].version if len(rows) > limit else None)


def source(tx: Transaction, dag_id: str, version: int | None = None) -> DagSource | None:
    """The text of the version asked for, else of the active one."""
    row = tx.one(SOURCE, {"dag_id": dag_id, "version": version})
    return build_readable(DagSource, row) if row else None


def version(tx: Transaction, dag_id: str, number: int) -> DagVersionWithTasks | None:
    """A version that is kept, with its tasks."""
    row = tx.one(VERSION, (dag_id, number))
    if row is None:
        return None
    dag = definitions.definition(tx, row["id"])
    return build_readable(
        DagVersionWithTasks, row, name=dag.name, tasks=dag.tasks, graph=_graph(dag)
    )


def _last_run(row: Row) -> LastRun | None:
    if row["last_run_id"] is None:
        return None
    return build_readable(LastRun, row, prefix="last_")


# What only the detail has and the definition tells.
_OF_DEFINITION = [
    spec.name
    for spec in fields(DagWithDefinition)
    if spec.name not in {of_item.name for of_item in fields(DagSummary)} | {"graph", "warnings"}
]


def _values(item: DagSummary) -> dict[str, Any]:
    return {spec.name: getattr(item, spec.name) for spec in fields(DagSummary)}


def _of_definition(dag: Dag) -> dict[str, Any]:
    values = {name: getattr(dag, name) for name in _OF_DEFINITION}
    tasks = tuple(replace(task, **_shown_targets(task)) for task in dag.tasks)
    return {**values, "tasks": tasks, **_shown_targets(dag), "graph": _graph(dag)}


def _shown_targets(holder: Dag | Task) -> dict[str, Any]:
    """The notifications without the secrets that their targets may be."""
    return {
        name: tuple(replace(one, target=shown_target(one.kind, one.target)) for one in targets)
        for name in NOTIFICATION_FIELDS
        if (targets := getattr(holder, name, ()))
    }


def _graph(dag: Dag) -> Graph:
    edges = [Edge(source, task.id) for task in dag.tasks for source in task.dependencies]
    return Graph(tuple(task.id for task in dag.tasks), tuple(edges))


def _before(key: int | None) -> int:
    return key if key is not None else 2**62
