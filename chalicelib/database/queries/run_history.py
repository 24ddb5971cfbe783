"""Named queries about the DAG's other runs: before, after and between dates."""

from __future__ import annotations

from datetime import datetime

from chalicelib.dag.states import RunState
from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us, to_us
from chalicelib.database.queries.runs import SELECT_RUN, Run, run_of


def last_ends(tx: Transaction, dag_id: str, limit: int) -> list[RunState]:
    """How the DAG's latest runs ended, the newest first; those that have not ended are left out,
    and those that had when people un-paused it."""
    values = tx.values(
        "SELECT state FROM runs WHERE dag_id = ?1 AND ended_at IS NOT NULL AND ended_at >"
        " coalesce((SELECT unpaused_at FROM dags WHERE dag_id = ?1), 0) ORDER BY id DESC LIMIT ?2",
        (dag_id, limit),
    )
    return [RunState(value) for value in values]


def last_scheduled(tx: Transaction, dag_id: str) -> datetime | None:
    """The latest fire time that has a run."""
    logical_date: int | None = tx.value(
        "SELECT logical_date FROM runs WHERE dag_id = ? AND run_type = 'scheduled'"
        " ORDER BY logical_date DESC LIMIT 1",
        (dag_id,),
    )
    return from_us(logical_date)


def before(tx: Transaction, run: Run) -> Run | None:
    """The DAG's run of the logical date before this one's."""
    return run_of(
        tx.one(
            SELECT_RUN + "WHERE dag_id = ? AND logical_date < ? ORDER BY logical_date DESC LIMIT 1",
            (run.dag_id, to_us(run.logical_date)),
        )
    )


def after(tx: Transaction, run: Run) -> Run | None:
    """The DAG's run of the logical date after this one's."""
    return run_of(
        tx.one(
            SELECT_RUN + "WHERE dag_id = ? AND logical_date > ? ORDER BY logical_date LIMIT 1",
            (run.dag_id, to_us(run.logical_date)),
        )
    )


def dates_between(
    tx: Transaction, dag_id: str, first: datetime, last: datetime, limit: int = 100_000
) -> set[datetime]:
    """The logical dates in [first, last] that have a run."""
    values = tx.values(
        "SELECT logical_date FROM runs WHERE dag_id = ? AND logical_date BETWEEN ? AND ?"
        " ORDER BY logical_date LIMIT ?",
        (dag_id, to_us(first), to_us(last), limit),
    )
    return {from_us(value) for value in values}
