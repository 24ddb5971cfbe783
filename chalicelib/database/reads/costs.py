"""What attempts have used of what AWS charges for. The prices are not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.database.connection import Row, Transaction
from chalicelib.database.connection.times import from_us, to_us

ASSUMED_MB = 128
"""Where an attempt did not run on Lambda: the least that Lambda gives."""

COUNTED = 5_000
"""Task instances of a DAG that are added up at most, the newest: the sum must not take longer the
longer a DAG is in use."""

# An attempt that no executor reported on, and that is not lost, had none: its task was ended by
# the scheduler itself.
_USED = f"""
    SELECT coalesce(sum(a.pokes + 1), 0) AS invocations, coalesce(sum(ms), 0) AS billed_ms,
           coalesce(sum(CASE WHEN a.is_stored THEN a.pokes + 1 END), 0) AS stored_logs,
           coalesce(sum(CASE WHEN vcpu IS NULL THEN ms * coalesce(memory_mb, {ASSUMED_MB}) END), 0)
           AS mb_ms,
           coalesce(sum(ms * vcpu), 0.0) AS fargate_vcpu_ms,
           coalesce(sum(CASE WHEN vcpu IS NOT NULL THEN ms * memory_mb END), 0) AS fargate_mb_ms,
           count(*) AS attempts, count(*) - count(memory_mb) AS estimated
    FROM (SELECT a.pokes, a.memory_mb, a.vcpu,
                 a.log_bytes > 0 AND NOT EXISTS (SELECT 1 FROM short_logs s WHERE
                 s.task_instance_id = a.task_instance_id AND s.try_number = a.try_number)
                 AS is_stored,
                 coalesce(a.billed_ms, max(0, (a.ended_at - a.started_at) / 1000), 0) AS ms
          FROM %s CROSS JOIN attempts a ON a.task_instance_id = t.id
          WHERE %s AND (a.billed_ms IS NOT NULL OR a.log_bytes IS NOT NULL OR a.outcome = 'lost')
    ) a
"""
OF_RUN = _USED % (
    "runs r CROSS JOIN task_instances t ON t.run_key = r.id",
    "r.run_id = :run_id",
)
OF_RUN_SINCE = _USED % ("task_instances t", "t.run_key = :key AND a.ended_at >= :since")
OF_DAG = _USED % ("task_instances t", "t.dag_id = :dag_id AND t.id >= :floor")
FLOOR = """
    SELECT t.id, r.created_at FROM task_instances t CROSS JOIN runs r ON r.id = t.run_key
    WHERE t.dag_id = :dag_id ORDER BY t.id DESC LIMIT 1 OFFSET :offset
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """`mb_ms`: milliseconds that Lambda bills, times megabytes; `fargate_vcpu_ms` and
    `fargate_mb_ms` are Fargate's, times vCPUs and megabytes. `invocations` are attempts, and the
    questions of sensors each; `stored_logs` of them have their log in the bucket. Of `attempts`,
    `estimated` did not tell their memory. Of a run that was made before `since` not all is counted;
    None: all that is kept is."""

    invocations: int
    stored_logs: int
    billed_ms: int
    mb_ms: int
    attempts: int
    estimated: int
    since: datetime | None = None
    fargate_vcpu_ms: float = 0.0
    fargate_mb_ms: int = 0


def of_run(tx: Transaction, run_id: str) -> Usage:
    """The attempts of a run that have ended."""
    return _usage(tx.one(OF_RUN, {"run_id": run_id}), None)


def of_run_since(tx: Transaction, run_key: int, since: datetime | None) -> Usage:
    """Return the usage of a run's attempts that ended since then, of all if that is None."""
    params = {"key": run_key, "since": 0 if since is None else to_us(since)}
    return _usage(tx.one(OF_RUN_SINCE, params), None)


def of_dag(tx: Transaction, dag_id: str) -> Usage:
    """The attempts of the DAG's newest `COUNTED` task instances that have ended."""
    params: Mapping[str, Any] = {"dag_id": dag_id, "offset": COUNTED - 1}
    oldest = tx.one(FLOOR, params)
    floor = oldest["id"] if oldest else 0
    since = from_us(oldest["created_at"]) if oldest else None
    return _usage(tx.one(OF_DAG, {"dag_id": dag_id, "floor": floor}), since)


def _usage(row: Row | None, since: datetime | None) -> Usage:
    assert row is not None
    return Usage(
        invocations=row["invocations"],
        stored_logs=row["stored_logs"],
        billed_ms=row["billed_ms"],
        mb_ms=row["mb_ms"],
        attempts=row["attempts"],
        estimated=row["estimated"],
        since=since,
        fargate_vcpu_ms=row["fargate_vcpu_ms"],
        fargate_mb_ms=row["fargate_mb_ms"],
    )
