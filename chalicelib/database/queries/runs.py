"""Named queries about runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.dag.states import RunState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.connection.times import from_us, to_us
from chalicelib.database.row_builder import build
from chalicelib.enums import RunType


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `key` is the database's own number for it; runs sort by it in the order of
    making. `version` is the number of the DAG's version that `version_id` is the key of."""

    key: int
    run_id: str
    dag_id: str
    version_id: int
    run_type: RunType
    state: RunState
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    not_before: datetime
    is_admitted: bool
    params_text: str
    ancestry_text: str
    parent_task_id: int | None
    backfill_id: int | None
    stopping: RunState | None
    reason: str
    version: int
    is_being_removed: bool

    @property
    def params(self) -> dict[str, Any]:
        """Read when they are asked for, so that a run that cannot be read can be ended."""
        params: dict[str, Any] = json.loads(self.params_text)
        return params

    @property
    def ancestry(self) -> tuple[str, ...]:
        """The DAGs whose runs led to this one."""
        return tuple(json.loads(self.ancestry_text))

    @property
    def is_active(self) -> bool:
        return self.state in (RunState.QUEUED, RunState.RUNNING)

    def ids(self) -> dict[str, Any]:
        """For a log line."""
        return {"dag_id": self.dag_id, "run_id": self.run_id}


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is asked for when a run is made. `run_type` is `scheduled`, `manual`, `backfill` or
    `triggered`; `params` are checked and complete; `ancestry` names the DAGs whose runs led to
    this one."""

    run_type: RunType
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    not_before: datetime
    idempotency_key: str | None = None
    note: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    ancestry: tuple[str, ...] = ()
    parent_task_id: int | None = None
    backfill_id: int | None = None


SELECT_RUN = """
    SELECT id AS key, run_id, dag_id, version_id, run_type, state, logical_date,
           data_interval_start, data_interval_end, not_before,
           admitted_at IS NOT NULL AS is_admitted, params AS params_text,
           ancestry AS ancestry_text, parent_task_id, backfill_id, stopping, reason,
           is_being_removed,
           (SELECT v.version FROM dag_versions v WHERE v.id = version_id) AS version
    FROM runs
"""


def find(tx: Transaction, run_id: str) -> Run | None:
    """The run by its id."""
    return run_of(tx.one(SELECT_RUN + "WHERE run_id = ?", (run_id,)))


def by_idempotency_key(tx: Transaction, dag_id: str, key: str) -> Run | None:
    """The run that an earlier request with this key made."""
    return run_of(tx.one(SELECT_RUN + "WHERE dag_id = ? AND idempotency_key = ?", (dag_id, key)))


def by_logical_date(tx: Transaction, dag_id: str, logical_date: datetime) -> Run | None:
    """The one run of this fire time."""
    return run_of(
        tx.one(SELECT_RUN + "WHERE dag_id = ? AND logical_date = ?", (dag_id, to_us(logical_date)))
    )


def insert(
    tx: Transaction, run_id: str, dag_id: str, version_id: int, new: NewRun, now: datetime
) -> int | None:
    """Make the run, waiting for a slot; None if this logical date has its run already."""
    changed = tx.execute(
        "INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date,"
        " data_interval_start, data_interval_end, not_before, idempotency_key, note, created_at,"
        " params, ancestry, parent_task_id, backfill_id)"
        " VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
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
            json.dumps(new.params),
            json.dumps(new.ancestry),
            new.parent_task_id,
            new.backfill_id,
        ),
    )
    if not changed:
        return None
    return int(tx.value("SELECT id FROM runs WHERE run_id = ?", (run_id,)))


def begin(tx: Transaction, key: int, started_at: datetime) -> bool:
    """queued -> running: its first task has begun."""
    return (
        tx.execute(
            "UPDATE runs SET state = 'running', started_at = ?"
            " WHERE id = ? AND admitted_at IS NOT NULL AND state = 'queued'",
            (to_us(started_at), key),
        )
        == 1
    )


def end(tx: Transaction, key: int, state: RunState, reason: str, now: datetime) -> bool:
    """queued or running -> an end. False if it had ended."""
    return (
        tx.execute(
            "UPDATE runs SET state = ?, ended_at = ?, reason = ?"
            " WHERE id = ? AND state IN ('queued', 'running')"
            " AND ?1 IN ('success', 'failed', 'cancelled')",
            (state, to_us(now), reason, key),
        )
        == 1
    )


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
    expired_runs = [build(Run, row) for row in rows]
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
    """From here on the run cannot go on: some of it may be gone."""
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


def run_of(row: Row | None) -> Run | None:
    return None if row is None else build(Run, row)


def stop(tx: Transaction, key: int, how: RunState, reason: str) -> bool:
    """Nothing of the run begins any more; it ends as `how` when nothing is in flight."""
    return (
        tx.execute(
            "UPDATE runs SET stopping = ?, reason = ?, timeout_at = NULL"
            " WHERE id = ? AND ended_at IS NULL AND stopping IS NULL",
            (how, reason, key),
        )
        == 1
    )


def reopen(tx: Transaction, key: int, now: datetime) -> bool:
    """An end -> queued: some of its tasks were cleared. It needs a slot again, which no pause of
    the schedule denies it: somebody asked for it."""
    return (
        tx.execute(
            "UPDATE runs SET state = 'queued', ended_at = NULL, started_at = NULL,"
            " admitted_at = NULL, reopened_at = ?, stopping = NULL, timeout_at = NULL, reason = '',"
            " acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_note = NULL"
            " WHERE id = ? AND is_being_removed = 0"
            " AND state IN ('success', 'failed', 'cancelled')",
            (to_us(now), key),
        )
        == 1
    )


def take_version(
    tx: Transaction, key: int, version_id: int, params: dict[str, Any], limit: float | None
) -> None:
    """Go on as another version of the DAG says: with these params, and, if the run has its slot,
    with `limit` seconds from then on."""
    tx.execute(
        "UPDATE runs SET version_id = ?1, params = ?2, timeout_at = iif(admitted_at IS NULL"
        " OR stopping IS NOT NULL OR ended_at IS NOT NULL, timeout_at,"
        " max(admitted_at, not_before) + ?3) WHERE id = ?4",
        (version_id, json.dumps(params), None if limit is None else round(limit * 1e6), key),
    )


def set_note(tx: Transaction, key: int, note: str | None) -> None:
    """What people say about the run."""
    tx.execute("UPDATE runs SET note = ? WHERE id = ?", (note, key))


def acknowledge(tx: Transaction, key: int, who: str, note: str | None, now: datetime) -> bool:
    """Somebody knows of this failure. False if the run has not failed, or it stands there so."""
    return (
        tx.execute(
            "UPDATE runs SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_note = ?4"
            " WHERE id = ?3 AND state = 'failed'"
            " AND (acknowledged_at IS NULL OR acknowledged_note IS NOT ?4)",
            (to_us(now), who, key, note),
        )
        == 1
    )


def forget_acknowledgement(tx: Transaction, key: int) -> bool:
    """False if there was none."""
    return (
        tx.execute(
            "UPDATE runs SET acknowledged_at = NULL, acknowledged_by = NULL,"
            " acknowledged_note = NULL WHERE id = ? AND acknowledged_at IS NOT NULL",
            (key,),
        )
        == 1
    )


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
    """The latest fire time that made a run."""
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


def last_triggered_by(tx: Transaction, parent_task_id: int) -> Run | None:
    """The latest run that this task triggered and waits for."""
    return run_of(
        tx.one(
            SELECT_RUN + "WHERE parent_task_id = ? AND parent_task_id IS NOT NULL"
            " ORDER BY id DESC LIMIT 1",
            (parent_task_id,),
        )
    )


def backfill_count(tx: Transaction, backfill_id: int) -> int:
    """How many runs of the backfill have not ended."""
    return int(
        tx.value(
            "SELECT count(*) FROM runs WHERE backfill_id = ? AND ended_at IS NULL", (backfill_id,)
        )
        or 0
    )


def triggered_by(tx: Transaction, parent_task_id: int) -> Run | None:
    """The run that this task triggered and waits for."""
    return run_of(
        tx.one(
            SELECT_RUN + "WHERE parent_task_id = ? AND parent_task_id IS NOT NULL"
            " AND ended_at IS NULL LIMIT 1",
            (parent_task_id,),
        )
    )


def detach(tx: Transaction, parent_task_id: int) -> None:
    """Nobody waits any more for the runs that this task triggered, should they run again."""
    tx.execute(
        "UPDATE runs SET parent_task_id = NULL WHERE parent_task_id = ?"
        " AND parent_task_id IS NOT NULL",
        (parent_task_id,),
    )


def of_backfill(tx: Transaction, backfill_id: int, limit: int) -> list[Run]:
    """The backfill's runs that have not ended."""
    rows = tx.all(
        SELECT_RUN + "WHERE backfill_id = ? AND ended_at IS NULL AND backfill_id IS NOT NULL"
        " ORDER BY id LIMIT ?",
        (backfill_id, limit),
    )
    return [build(Run, row) for row in rows]


def adopt(tx: Transaction, key: int, backfill_id: int) -> None:
    """The run is done again as part of this backfill."""
    tx.execute("UPDATE runs SET backfill_id = ? WHERE id = ?", (backfill_id, key))


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
