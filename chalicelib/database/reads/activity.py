"""What runs and what waits, in all DAGs or in some. All of it follows from what is active, and from
the latest runs of each DAG, never from the length of the history."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.reads import failures, runs
from chalicelib.database.reads.activity_values import ActiveBackfill, DagActivity, RecentRun
from chalicelib.database.reads.run_values import Run
from chalicelib.database.row_builder import build_readable

MOST_COUNTED = 10_000
MOST_BACKFILLS = 20

COUNTS = f"""
    SELECT state, count(*) AS number FROM (
        SELECT state FROM runs WHERE ended_at IS NULL LIMIT {MOST_COUNTED})
    GROUP BY state
"""
COUNTS_OF_DAGS = """
    SELECT r.dag_id, r.state, count(*) AS number
    FROM json_each(?) d CROSS JOIN runs r
        ON r.dag_id = d.value AND r.ended_at IS NULL
    GROUP BY r.dag_id, r.state
"""
RECENT_OF_DAGS = """
    SELECT r.dag_id, r.run_id, r.state, r.logical_date, r.created_at, r.started_at, r.ended_at,
           (r.ended_at - r.started_at) / 1e6 AS duration, r.failed_tasks
    FROM json_each(?1) d CROSS JOIN runs r ON r.id IN (
        SELECT id FROM runs WHERE dag_id = d.value ORDER BY id DESC LIMIT ?2)
    WHERE ?3 IS NULL OR r.ended_at IS NULL OR r.ended_at > ?3 ORDER BY r.id DESC
"""
ACTIVE_RUNS = """
    SELECT id FROM runs
    WHERE state = ? AND backfill_id IS NULL ORDER BY id DESC LIMIT ?
"""
BACKFILLS = f"""
    SELECT backfill_id, dag_id, sum(state = 'running') AS running_runs,
           sum(state = 'queued') AS waiting_runs
    FROM (SELECT backfill_id, dag_id, state FROM runs
          WHERE ended_at IS NULL LIMIT {MOST_COUNTED})
    WHERE backfill_id IS NOT NULL GROUP BY backfill_id ORDER BY backfill_id DESC
    LIMIT {MOST_BACKFILLS}
"""
NEWEST_DAGS = "SELECT DISTINCT dag_id FROM (SELECT dag_id FROM runs ORDER BY id DESC LIMIT 400)"


def counts(tx: Transaction) -> Counter[str]:
    """How many runs are in which active state, MOST_COUNTED at most."""
    return Counter({row["state"]: row["number"] for row in tx.all(COUNTS)})


def of_dags(
    tx: Transaction, dag_ids: Sequence[str], *, recent: int, since: datetime | None = None
) -> list[DagActivity]:
    """What these DAGs are doing, with at most `recent` of their latest runs each: those that had
    not ended at `since`, if that is given."""
    ids = json.dumps(list(dag_ids))
    number = {
        (row["dag_id"], row["state"]): row["number"] for row in tx.all(COUNTS_OF_DAGS, (ids,))
    }
    latest: dict[str, list[RecentRun]] = {}
    for row in tx.all(RECENT_OF_DAGS, (ids, recent, to_us(since) if since else None)):
        latest.setdefault(row["dag_id"], []).append(build_readable(RecentRun, row))
    names = failures.names_of(tx, dag_ids)
    open_failures = failures.of_dags(tx, dag_ids)
    return [
        DagActivity(
            dag_id,
            names.get(dag_id, dag_id),
            running_runs=number.get((dag_id, "running"), 0),
            waiting_runs=number.get((dag_id, "queued"), 0),
            open_failure=open_failures.get(dag_id),
            recent_runs=tuple(latest.get(dag_id, ())),
        )
        for dag_id in dag_ids
    ]


def active_runs(tx: Transaction, state: str, *, limit: int) -> list[Run]:
    """The newest runs in an active state that belong to no backfill."""
    keys = tx.values(ACTIVE_RUNS, (state, limit))
    found = runs.by_keys(tx, keys)
    return [found[key] for key in keys]


def active_backfills(tx: Transaction) -> list[ActiveBackfill]:
    """The backfills with active runs, newest first."""
    rows = tx.all(BACKFILLS)
    names = failures.names_of(tx, {row["dag_id"] for row in rows})
    return [
        build_readable(ActiveBackfill, row, name=names.get(row["dag_id"], row["dag_id"]))
        for row in rows
    ]


def newest_dags(tx: Transaction) -> list[str]:
    """The DAGs of the latest few hundred runs."""
    return [str(dag_id) for dag_id in tx.values(NEWEST_DAGS)]
