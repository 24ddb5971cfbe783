"""Named queries about runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.states import RunState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.guards import run_guard
from chalicelib.database.times import from_us, to_us


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `key` is the database's own number for it; runs sort by it in the order of
    making."""

    key: int
    run_id: str
    dag_id: str
    version_id: int
    run_type: str
    state: RunState
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    not_before: datetime
    is_admitted: bool


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is asked for when a run is made. `run_type` is `scheduled` or `manual`."""

    run_type: str
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    not_before: datetime
    idempotency_key: str | None = None
    note: str | None = None


_RUN = """
    SELECT id, run_id, dag_id, version_id, run_type, state, logical_date, data_interval_start,
           data_interval_end, not_before, admitted_at
    FROM runs
"""


def find(tx: Transaction, run_id: str) -> Run | None:
    """The run by its id."""
    return _run(tx.one(_RUN + "WHERE run_id = ?", (run_id,)))


def by_idempotency_key(tx: Transaction, dag_id: str, key: str) -> Run | None:
    """The run that an earlier request with this key made."""
    return _run(tx.one(_RUN + "WHERE dag_id = ? AND idempotency_key = ?", (dag_id, key)))


def by_logical_date(tx: Transaction, dag_id: str, logical_date: datetime) -> Run | None:
    """The one run of this fire time."""
    return _run(
        tx.one(_RUN + "WHERE dag_id = ? AND logical_date = ?", (dag_id, to_us(logical_date)))
    )


def insert(
    tx: Transaction, run_id: str, dag_id: str, version_id: int, new: NewRun, now: datetime
) -> int | None:
    """Make the run, waiting for a slot; None if this logical date has its run already."""
    changed = tx.execute(
        "INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date,"
        " data_interval_start, data_interval_end, not_before, idempotency_key, note, created_at)"
        " VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (dag_id, logical_date) DO NOTHING",
        (
            run_id,
            dag_id,
            version_id,
            new.run_type,
            to_us(new.logical_date),
            to_us(new.data_interval_start),
            to_us(new.data_interval_end),
            to_us(new.not_before),
            new.idempotency_key,
            new.note,
            to_us(now),
        ),
    )
    if not changed:
        return None
    row = tx.one("SELECT id FROM runs WHERE run_id = ?", (run_id,))
    assert row is not None
    return int(row[0])


def admitted_count(tx: Transaction, dag_id: str) -> int:
    """How many of the DAG's max_active_runs slots are taken."""
    row = tx.one(
        "SELECT count(*) FROM runs"
        " WHERE dag_id = ? AND admitted_at IS NOT NULL AND ended_at IS NULL",
        (dag_id,),
    )
    return int(row[0]) if row else 0


def waiting(
    tx: Transaction, dag_id: str, horizon: datetime, *, only_manual: bool, limit: int
) -> list[Run]:
    """Runs that wait for a slot and whose moment has come, the earliest first."""
    rows = tx.all(
        _RUN + "WHERE dag_id = ? AND admitted_at IS NULL AND ended_at IS NULL AND not_before <= ?"
        " AND (? = 0 OR run_type = 'manual') ORDER BY not_before, id LIMIT ?",
        (dag_id, to_us(horizon), int(only_manual), limit),
    )
    return [run for run in map(_run, rows) if run]


def take_slot(tx: Transaction, run: Run, now: datetime) -> bool:
    """Give the run a slot; False if it has one or has ended."""
    return (
        tx.execute(
            "UPDATE runs SET admitted_at = ?"
            " WHERE id = ? AND admitted_at IS NULL AND ended_at IS NULL",
            (to_us(now), run.key),
        )
        == 1
    )


def begin(tx: Transaction, key: int, started_at: datetime) -> bool:
    """queued -> running: its first task has begun."""
    return (
        tx.execute(
            "UPDATE runs SET state = 'running', started_at = ?"
            " WHERE id = ? AND admitted_at IS NOT NULL"
            " AND state IN (SELECT value FROM json_each(?))",
            (to_us(started_at), key, run_guard(RunState.RUNNING)),
        )
        == 1
    )


def end(tx: Transaction, key: int, state: RunState, reason: str, now: datetime) -> bool:
    """queued or running -> an end. False if it had ended."""
    return (
        tx.execute(
            "UPDATE runs SET state = ?, ended_at = ?, reason = ?"
            " WHERE id = ? AND state IN (SELECT value FROM json_each(?))",
            (state, to_us(now), reason, key, run_guard(state)),
        )
        == 1
    )


def waiting_of(tx: Transaction, dag_id: str, limit: int) -> list[Run]:
    """Every run of the DAG that has no slot yet."""
    rows = tx.all(
        _RUN + "WHERE dag_id = ? AND admitted_at IS NULL AND ended_at IS NULL LIMIT ?",
        (dag_id, limit),
    )
    return [run for run in map(_run, rows) if run]


def ended_before(tx: Transaction, moment: datetime, limit: int) -> list[Run]:
    """Finished runs that are due for removal, the oldest first."""
    rows = tx.all(
        _RUN + "WHERE ended_at < ? ORDER BY ended_at LIMIT ?",
        (to_us(moment), limit),
    )
    return [run for run in map(_run, rows) if run]


def delete(tx: Transaction, key: int) -> None:
    """Remove the run with its task instances and attempts."""
    tx.execute("DELETE FROM runs WHERE id = ?", (key,))


def _run(row: Row | None) -> Run | None:
    if row is None:
        return None
    return Run(
        key=row[0],
        run_id=row[1],
        dag_id=row[2],
        version_id=row[3],
        run_type=row[4],
        state=RunState(row[5]),
        logical_date=from_us(row[6]),
        data_interval_start=from_us(row[7]),
        data_interval_end=from_us(row[8]),
        not_before=from_us(row[9]),
        is_admitted=row[10] is not None,
    )
