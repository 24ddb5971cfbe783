"""Named queries about workers: when each was last heard of."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_epoch, to_us
from chalicelib.messages import WorkerSeen

KEPT = timedelta(days=1)
MAX_WORKERS = 1000
"""The table never has more rows; the workers heard of longest ago go first."""


def seen(tx: Transaction, report: WorkerSeen, now: datetime) -> bool:
    """Record a report. One that is older than what is known of the worker changes nothing."""
    is_news = tx.execute(
        "INSERT INTO workers (name, queue, parallelism, running, started_at, reported_at, seen_at,"
        " has_left) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        " ON CONFLICT (name) DO UPDATE SET running = ?4, reported_at = ?6, seen_at = ?7,"
        " has_left = ?8 WHERE reported_at < ?6",
        (
            report.name[:300],
            report.queue[:100],
            report.parallelism,
            report.running,
            to_us(from_epoch(report.started_at)),
            to_us(from_epoch(report.at)),
            to_us(now),
            report.is_leaving,
        ),
    )
    tx.execute("DELETE FROM workers WHERE seen_at < ?", (to_us(now - KEPT),))
    tx.execute(
        "DELETE FROM workers WHERE name IN (SELECT name FROM workers ORDER BY seen_at DESC, name"
        " LIMIT -1 OFFSET ?)",
        (MAX_WORKERS,),
    )
    return bool(is_news)


def is_served(tx: Transaction, queue: str, since: datetime) -> bool:
    """Whether a worker of the queue has been heard of since then, and has not left."""
    row = tx.one(
        "SELECT 1 FROM workers WHERE queue = ? AND seen_at >= ? AND has_left = 0 LIMIT 1",
        (queue, to_us(since)),
    )
    return row is not None
