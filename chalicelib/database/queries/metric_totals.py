"""Queries for the totals that metrics are made from: what has ended, added up by DAG."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us, to_us


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended. Durations in seconds; `queue_seconds` is None if it never started."""

    key: int
    dag_id: str
    state: str
    is_scheduled: bool
    counts_from: datetime | None
    ended_at: datetime
    seconds: float | None
    queue_seconds: float | None


@dataclass(frozen=True, slots=True)
class AttemptTotals:
    """The attempts of a run with one outcome. `buckets` counts those that took at most the seconds
    of each bound."""

    outcome: str
    count: int
    seconds: float
    buckets: tuple[int, ...]


def ended_runs(
    tx: Transaction, after: tuple[datetime, int], until: datetime, limit: int
) -> list[EndedRun]:
    """Return the runs that ended after `after`, (time, key), up to `until`, in the order in which
    they ended."""
    rows = tx.all(
        "SELECT id, dag_id, state, run_type, reopened_at, ended_at,"
        " (ended_at - started_at) / 1e6 AS seconds,"
        " (started_at - max(not_before, coalesce(reopened_at, 0))) / 1e6 AS queue_seconds"
        " FROM runs INDEXED BY runs_ended"
        " WHERE ended_at >= ?1 AND (ended_at > ?1 OR id > ?2) AND ended_at <= ?3"
        " ORDER BY ended_at, id LIMIT ?4",
        (to_us(after[0]), after[1], to_us(until), limit),
    )
    return [
        EndedRun(
            key=row["id"],
            dag_id=row["dag_id"],
            state=row["state"],
            is_scheduled=row["run_type"] == "scheduled",
            counts_from=from_us(row["reopened_at"]),
            ended_at=from_us(row["ended_at"]),
            seconds=row["seconds"],
            queue_seconds=row["queue_seconds"],
        )
        for row in rows
    ]


def attempts_of(tx: Transaction, run: EndedRun, bounds: Sequence[float]) -> list[AttemptTotals]:
    """Return the attempts of a run since it was last reopened, by outcome."""
    seconds = "max(0, (a.ended_at - coalesce(a.started_at, a.ended_at)) / 1e6)"
    buckets = ", ".join(f"total({seconds} <= {bound:g})" for bound in bounds)
    rows = tx.all(
        f"SELECT a.outcome, count(*) AS count, total({seconds}) AS seconds,"
        f" json_array({buckets}) AS buckets"
        " FROM task_instances t CROSS JOIN attempts a ON a.task_instance_id = t.id"
        " WHERE t.run_key = ? AND a.ended_at >= ? GROUP BY a.outcome ORDER BY a.outcome",
        (run.key, to_us(run.counts_from) if run.counts_from else 0),
    )
    return [
        AttemptTotals(
            row["outcome"],
            row["count"],
            row["seconds"],
            tuple(int(number) for number in json.loads(row["buckets"])),
        )
        for row in rows
    ]


def counted_dags(tx: Transaction) -> set[str]:
    """Return the DAGs that are counted by name."""
    rows = tx.all("SELECT DISTINCT dag_id FROM metric_totals WHERE dag_id NOT IN ('', '_other')")
    return {row["dag_id"] for row in rows}


def forget_removed_dags(tx: Transaction) -> None:
    """Delete the totals of DAGs that are no longer registered, to make room for others."""
    tx.execute(
        "DELETE FROM metric_totals WHERE dag_id NOT IN ('', '_other') AND dag_id NOT IN"
        " (SELECT dag_id FROM dags WHERE removed_at IS NULL)"
    )


def add(
    tx: Transaction,
    dag_id: str,
    metric: str,
    label: str,
    *,
    count: int,
    total: float,
    buckets: Sequence[int] = (),
) -> None:
    """Add to a total."""
    known = tx.value(
        "SELECT buckets FROM metric_totals WHERE dag_id = ? AND metric = ? AND label = ?",
        (dag_id, metric, label),
    )
    before = json.loads(known) if known else []
    # Totals with other bounds are of another version of this program: they begin anew.
    same = len(before) == len(buckets)
    summed = [a + b for a, b in zip(before, buckets, strict=True)] if same else list(buckets)
    tx.execute(
        "INSERT INTO metric_totals VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        f" count = {'count +' if same else ''} excluded.count,"
        f" total = {'total +' if same else ''} excluded.total, buckets = excluded.buckets",
        (dag_id, metric, label, count, total, json.dumps(summed)),
    )
