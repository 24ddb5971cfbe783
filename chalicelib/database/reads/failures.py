"""Failures that need attention: since the DAG last succeeded, and not acknowledged."""

from __future__ import annotations

import json
from collections.abc import Iterable

from chalicelib.database.connection import Row, Transaction
from chalicelib.database.reads import runs
from chalicelib.database.reads.activity_values import OpenFailure
from chalicelib.database.reads.page import Page

MOST_COUNTED = 10_000
"""Open failures that are looked through to count their DAGs."""

# From the latest failure down: what is read follows the page, not how many DAGs fail.
LIST = """
    SELECT f.dag_id, f.run_key,
           (SELECT count(*) FROM open_failures o WHERE o.dag_id = f.dag_id) AS count
    FROM open_failures f WHERE f.run_key < ? AND NOT EXISTS (
        SELECT 1 FROM open_failures l WHERE l.dag_id = f.dag_id AND l.run_key > f.run_key)
    ORDER BY f.run_key DESC LIMIT ?
"""
COUNT = f"""
    SELECT count(DISTINCT dag_id) FROM (SELECT dag_id FROM open_failures LIMIT {MOST_COUNTED})
"""
OF_DAGS = """
    SELECT f.dag_id, max(f.run_key) AS run_key, count(*) AS count
    FROM json_each(?) d CROSS JOIN open_failures f ON f.dag_id = d.value GROUP BY f.dag_id
"""
NAMES = """
    SELECT d.dag_id, d.name FROM json_each(?) i CROSS JOIN dags d ON d.dag_id = i.value
"""


def list_failures(
    tx: Transaction, *, limit: int, before: int | None = None
) -> Page[OpenFailure, int]:
    """DAGs with open failures, the one that failed last first."""
    rows = tx.all(LIST, (2**62 if before is None else before, limit + 1))
    items = _with_runs(tx, rows[:limit])
    return Page(items, rows[limit - 1]["run_key"] if len(rows) > limit else None)


def count_dags(tx: Transaction) -> int:
    """How many DAGs have open failures, as far as MOST_COUNTED of these tell."""
    return int(tx.value(COUNT))


def of_dags(tx: Transaction, dag_ids: Iterable[str]) -> dict[str, OpenFailure]:
    """The open failures of these DAGs, by dag_id."""
    found = _with_runs(tx, tx.all(OF_DAGS, (json.dumps(list(dag_ids)),)))
    return {failure.dag_id: failure for failure in found}


def names_of(tx: Transaction, dag_ids: Iterable[str]) -> dict[str, str]:
    """The names of these DAGs, by dag_id."""
    return {row["dag_id"]: row["name"] for row in tx.all(NAMES, (json.dumps(list(dag_ids)),))}


def _with_runs(tx: Transaction, rows: list[Row]) -> list[OpenFailure]:
    names = names_of(tx, [row["dag_id"] for row in rows])
    latest = runs.by_keys(tx, [row["run_key"] for row in rows])
    return [
        OpenFailure(
            row["dag_id"],
            names.get(row["dag_id"], row["dag_id"]),
            latest[row["run_key"]],
            row["count"],
        )
        for row in rows
    ]
