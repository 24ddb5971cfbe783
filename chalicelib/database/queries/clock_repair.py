"""Named queries that find times which can only be from before the clock was set back, and pull them
to where they would be had they been decided now."""

from __future__ import annotations

from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.index_predicates import RUNS_TIMEOUT
from chalicelib.database.queries.dags import REGISTERED_DAG, RegisteredDag, registered


def pull_queued(tx: Transaction, not_before: datetime, due_at: datetime) -> int:
    """Attempts in the queue begin by `not_before`, and are sent again by `due_at`."""
    return tx.execute(
        "UPDATE task_instances SET due_at = min(due_at, ?2), not_before = min(not_before, ?1)"
        " WHERE due_at > ?1 AND state = 'queued' AND (not_before > ?1 OR due_at > ?2)",
        (to_us(not_before), to_us(due_at)),
    )


def pull_running(tx: Transaction, due_at: datetime) -> int:
    """Attempts that run are silent by `due_at`."""
    return tx.execute(
        "UPDATE task_instances SET due_at = ?1 WHERE due_at > ?1 AND state = 'running'",
        (to_us(due_at),),
    )


def shift_retries(tx: Transaction, now: datetime, latest: datetime) -> int:
    """What waits for its next attempt, or to be asked again, since a time after `latest` waits from
    now on, for as long as it was to wait."""
    return tx.execute(
        "UPDATE task_instances SET due_at = due_at - (ended_at - ?1),"
        " not_before = due_at - (ended_at - ?1), ended_at = ?1"
        " WHERE due_at > ?1 AND state IN ('up_for_retry', 'up_for_reschedule') AND ended_at > ?2",
        (to_us(now), to_us(latest)),
    )


def shift_timeouts(tx: Transaction, now: datetime, latest: datetime) -> int:
    """Runs that were admitted after `latest` time out as if they had been now."""
    return tx.execute(
        "UPDATE runs SET timeout_at = timeout_at - (admitted_at - ?1), admitted_at = ?1"
        f" WHERE timeout_at > ?1 AND {RUNS_TIMEOUT} AND admitted_at > ?2",
        (to_us(now), to_us(latest)),
    )


def pull_notifications(tx: Transaction, now: datetime, latest: datetime) -> int:
    """What would be sent again after `latest` is sent again now."""
    return tx.execute(
        "UPDATE notifications SET due_at = ?1 WHERE due_at > ?2 AND due_at IS NOT NULL",
        (to_us(now), to_us(latest)),
    )


def dags_set_after(
    tx: Transaction, now: datetime, latest: datetime, limit: int
) -> list[RegisteredDag]:
    """DAGs whose next fire time is to come and was worked out after `latest`."""
    rows = tx.all(
        REGISTERED_DAG
        + "WHERE next_fire_at > ? AND next_fire_set_at > ? ORDER BY next_fire_at, dag_id"
        " LIMIT ?",
        (to_us(now), to_us(latest), limit),
    )
    return [registered(row) for row in rows]
