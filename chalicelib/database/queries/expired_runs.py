"""Named queries about runs that have been kept long enough, and how they are removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.queries.runs import SELECT_RUN, Run, build_run


def expired(
    tx: Transaction, now: datetime, days: int, limit: int, without: Iterable[int] = ()
) -> list[Run]:
    """Runs that ended longer ago than the setting says, or their DAG's retention_days: those of a
    DAG, and of the DAGs without a number of their own, by when they ended. `without` are keys to
    pass by."""
    longer = tx.one("SELECT 1 FROM dags WHERE retention_days > ? LIMIT 1", (days,))
    usual = _EXPIRED if longer is None else _EXPIRED_BY_DAG
    passed_by = json.dumps(list(without))
    rows = tx.all(usual, (to_us(now - timedelta(days=days)), passed_by, limit))
    for dag_id, own in tx.all(
        "SELECT dag_id, retention_days FROM dags WHERE retention_days IS NOT NULL ORDER BY dag_id"
    ):
        if len(rows) >= limit:
            break
        before = to_us(now - timedelta(days=own))
        rows += tx.all(_EXPIRED_OF_DAG, (dag_id, before, passed_by, limit - len(rows)))
    expired_runs = [build_run(row) for row in rows]
    return list({run.key: run for run in expired_runs}.values())


_NOT_PASSED_BY = "id NOT IN (SELECT value FROM json_each(?))"


_EXPIRED = SELECT_RUN + f"WHERE ended_at < ? AND {_NOT_PASSED_BY} ORDER BY ended_at LIMIT ?"


_EXPIRED_OF_DAG = (
    SELECT_RUN + f"WHERE dag_id = ? AND ended_at < ? AND {_NOT_PASSED_BY} ORDER BY ended_at LIMIT ?"
)


# Where a DAG keeps its runs for longer, they would all be passed by, each time. LIMIT -1 keeps
# SQLite from leaving out the order of the DAGs.
_EXPIRED_BY_DAG = (
    SELECT_RUN + "WHERE id IN (SELECT r.id FROM (SELECT dag_id, (SELECT min(ended_at) FROM runs o"
    " WHERE o.dag_id = dags.dag_id AND o.ended_at IS NOT NULL) AS oldest FROM dags"
    " WHERE retention_days IS NULL ORDER BY oldest, dag_id LIMIT -1) d"
    " CROSS JOIN runs r ON r.dag_id = d.dag_id WHERE r.ended_at < ?"
    f" AND r.{_NOT_PASSED_BY} LIMIT ?)"
)


def mark_for_removal(tx: Transaction, key: int) -> None:
    """Mark the run as being removed: parts of it may be gone, so it can never continue."""
    tx.execute("UPDATE runs SET is_being_removed = 1 WHERE id = ? AND is_being_removed = 0", (key,))


def delete_tasks(tx: Transaction, key: int, limit: int) -> int:
    """Remove up to `limit` task instances of a run marked for removal, with their attempts; answers
    how many."""
    return tx.execute(
        "DELETE FROM task_instances WHERE id IN (SELECT t.id FROM task_instances t"
        " JOIN runs r ON r.id = t.run_key WHERE t.run_key = ? AND r.is_being_removed = 1"
        " ORDER BY t.id LIMIT ?)",
        (key, limit),
    )


def delete(tx: Transaction, key: int) -> None:
    """Remove a run marked for removal with what is left of it."""
    tx.execute("DELETE FROM runs WHERE id = ? AND is_being_removed = 1", (key,))
