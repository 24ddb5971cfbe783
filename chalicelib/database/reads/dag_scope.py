"""Limits a read transaction to some DAGs: for callers whose token is.

Temporary views take the names of the tables, so every query of the transaction sees the rows of
these DAGs only, whichever query it is. They are gone when the transaction ends, because a read is
rolled back. A query that needs the other rows, to count them, says `main.task_instances`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from chalicelib.database.connection import Transaction

PATTERNS = re.compile(r"[A-Za-z0-9_.*?-]+(,[A-Za-z0-9_.*?-]+)*")
"""Patterns of dag_ids, separated by commas. `*` stands for any characters, `?` for one."""

_WITH_DAG_ID = (
    "backfills",
    "dag_files",
    "dag_tags",
    "dag_versions",
    "dags",
    "further_dags",
    "notifications",
    "open_failures",
    "runs",
    "skipped",
    "task_instances",
)
_OF_TASK_INSTANCE = ("artifacts", "attempts", "short_logs", "task_outputs")


def limit(tx: Transaction, patterns: str) -> None:
    """Let the rest of the transaction see only what belongs to DAGs that match."""
    tx.limit(
        f"CREATE TEMP VIEW {name} AS SELECT * FROM main.{name} x WHERE {condition}"
        for name, condition in _views(patterns)
    )


def matches(patterns: str, dag_id: str) -> bool:
    """Whether the DAG is one of these."""
    return any(fnmatchcase(dag_id, pattern) for pattern in patterns.split(","))


def _views(patterns: str) -> Iterator[tuple[str, str]]:
    if not PATTERNS.fullmatch(patterns):  # it becomes a part of statements
        raise ValueError(f"not patterns of DAGs: {patterns!r}")
    for name in _WITH_DAG_ID:
        yield name, _is_one(patterns, "x.dag_id")
    for name in _OF_TASK_INSTANCE:
        yield (
            name,
            (
                "EXISTS (SELECT 1 FROM main.task_instances t"
                f" WHERE t.id = x.task_instance_id AND {_is_one(patterns, 't.dag_id')})"
            ),
        )
    yield (
        "import_errors",
        (
            "x.file_key IN (SELECT f.file_key FROM main.dag_files f"
            f" WHERE {_is_one(patterns, 'f.dag_id')})"
        ),
    )
    yield (
        "audit",
        (
            "EXISTS (SELECT 1 FROM main.runs r WHERE r.run_id = x.target"
            f" AND {_is_one(patterns, 'r.dag_id')})"
            " OR EXISTS (SELECT 1 FROM main.dag_versions v WHERE v.dag_id = x.target"
            f" AND {_is_one(patterns, 'v.dag_id')})"
        ),
    )
    for name in ("ticks", "dead_letters"):
        yield name, "FALSE"


def _is_one(patterns: str, column: str) -> str:
    return "(" + " OR ".join(f"{column} GLOB '{each}'" for each in patterns.split(",")) + ")"
