"""Pools, and how full they are."""

from __future__ import annotations

from chalicelib.database.connection import Transaction
from chalicelib.database.index_predicates import TASK_INSTANCES_POOL
from chalicelib.database.reads.operation_values import Pool
from chalicelib.database.reads.page import Page
from chalicelib.database.row_builder import build_readable

_HELD = f"""
    FROM main.task_instances t WHERE t.pool = p.name AND {TASK_INSTANCES_POOL.of("t")}
"""
_COLUMNS = f"""
    SELECT p.name, p.slots, p.description, p.updated_at, p.file_key,
           (SELECT coalesce(sum(t.pool_slots), 0) {_HELD} AND t.state IN ('queued', 'running'))
           AS used,
           (SELECT count(*) {_HELD} AND t.state = 'scheduled') AS waiting
    FROM pools p
"""

ONE = f"{_COLUMNS} WHERE p.name = ?"
LIST = f"{_COLUMNS} WHERE p.name > ? ORDER BY p.name LIMIT ?"


def list_pools(tx: Transaction, *, limit: int, after: str | None = None) -> Page[Pool, str]:
    """Pools by name."""
    rows = tx.all(LIST, (after or "", limit + 1))
    items = [build_readable(Pool, row) for row in rows[:limit]]
    return Page(items, items[-1].name if len(rows) > limit else None)


def pool(tx: Transaction, name: str) -> Pool | None:
    """One pool, or None."""
    row = tx.one(ONE, (name,))
    return build_readable(Pool, row) if row else None
