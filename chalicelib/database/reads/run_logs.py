"""The logs of all attempts of a run, in the order of the DAG."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.dag.states import IN_FLIGHT
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.reads.task_instances import LogSource
from chalicelib.messages import Attempt

# Found by the run and then sorted, as its task instances are; the texts of the page alone.
LOGS = """
    WITH logs AS (
        SELECT t.id, a.try_number, a.pokes, a.log_bytes, 1 AS has_ended
        FROM runs r CROSS JOIN task_instances t ON t.run_key = r.id
        CROSS JOIN attempts a ON a.task_instance_id = t.id
        WHERE r.run_id = :run_id AND +t.id >= :key
        UNION ALL
        SELECT t.id, t.try_number, t.poke, NULL, 0
        FROM runs r CROSS JOIN task_instances t ON t.run_key = r.id
        WHERE r.run_id = :run_id AND +t.id >= :key AND t.try_number > 0 AND NOT EXISTS (
            SELECT 1 FROM attempts a
            WHERE a.task_instance_id = t.id AND a.try_number = t.try_number)
    ), page AS (
        SELECT * FROM logs WHERE (id, try_number) >= (:key, :try_number)
        ORDER BY id, try_number LIMIT :limit
    )
    SELECT p.*, t.dag_id, t.task_id, t.map_index, t.state, s.log
    FROM page p CROSS JOIN task_instances t ON t.id = p.id
    LEFT JOIN short_logs s ON s.task_instance_id = p.id AND s.try_number = p.try_number
    ORDER BY p.id, p.try_number
"""


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """The log of one attempt; of a sensor's, the answer to its last question. `key` is that of the
    task instance."""

    key: int
    attempt: Attempt
    source: LogSource


def attempt_logs(
    tx: Transaction, run_id: str, *, key: int, try_number: int, limit: int
) -> list[AttemptLog]:
    """The logs from this attempt on, at most `limit`."""
    params = {"run_id": run_id, "key": key, "try_number": try_number, "limit": limit}
    return [_log(run_id, row) for row in tx.all(LOGS, params)]


def _log(run_id: str, row: Row) -> AttemptLog:
    has_ended, poke = bool(row["has_ended"]), int(row["pokes"])
    if not has_ended and row["state"] not in IN_FLIGHT:
        poke = max(0, poke - 1)  # the next question is counted before it is asked
    number = int(row["try_number"])
    attempt = Attempt(row["dag_id"], run_id, row["task_id"], row["map_index"], number, poke)
    source = LogSource(attempt, number, poke, has_ended, row["log_bytes"], row["log"])
    return AttemptLog(int(row["id"]), attempt, source)
