"""Workers, and when each was last heard of."""

from __future__ import annotations

from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.reads.operation_values import Worker
from chalicelib.database.row_builder import build_readable

MAX_WORKERS = 200

LIST = """
    SELECT name, queue, parallelism, running, started_at, seen_at,
           seen_at >= ?1 AS is_alive
    FROM workers WHERE has_left = 0 ORDER BY seen_at DESC, name LIMIT ?2
"""


def list_workers(tx: Transaction, alive_since: datetime) -> list[Worker]:
    """The workers that have not left, those heard of last first."""
    rows = tx.all(LIST, (to_us(alive_since), MAX_WORKERS))
    return [build_readable(Worker, row) for row in rows]
