"""Named queries about runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.dag.states import RunState
from chalicelib.database.connection import Row, Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.row_builder import Builder
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
    failed_tasks: int

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
        """Return the ids for a log line."""
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
           is_being_removed, failed_tasks,
           (SELECT v.version FROM dag_versions v WHERE v.id = version_id) AS version
    FROM runs
"""


def find(tx: Transaction, run_id: str) -> Run | None:
    """The run by its id."""
    return run_of(tx.one(SELECT_RUN + "WHERE run_id = ?", (run_id,)))


FIND_ALL = f"{SELECT_RUN} WHERE run_id IN (SELECT value FROM json_each(?))"
BY_KEYS = f"{SELECT_RUN} WHERE id IN (SELECT value FROM json_each(?))"


def find_all(tx: Transaction, run_ids: Iterable[str]) -> list[Run]:
    """Of the runs with these ids, those that there are, in no order."""
    return [build_run(row) for row in tx.all(FIND_ALL, (json.dumps(list(run_ids)),))]


def by_keys(tx: Transaction, keys: Iterable[int]) -> list[Run]:
    """The runs with these keys, in no order."""
    return [build_run(row) for row in tx.all(BY_KEYS, (json.dumps(list(keys)),))]


def by_idempotency_key(tx: Transaction, dag_id: str, key: str) -> Run | None:
    """Return the run that an earlier request with this idempotency key created, or None."""
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
    row = tx.returning(
        "INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date,"
        " data_interval_start, data_interval_end, not_before, idempotency_key, note, created_at,"
        " params, ancestry, parent_task_id, backfill_id)"
        " VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (dag_id, logical_date) DO NOTHING RETURNING id",
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
    return None if row is None else int(row["id"])


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


def end(
    tx: Transaction, key: int, state: RunState, reason: str, now: datetime, failed_tasks: int = 0
) -> bool:
    """queued or running -> an end, with the number of tasks that failed. False if it had ended."""
    return (
        tx.execute(
            "UPDATE runs SET state = ?, ended_at = ?, reason = ?, failed_tasks = ?5"
            " WHERE id = ?4 AND state IN ('queued', 'running')"
            " AND ?1 IN ('success', 'failed', 'cancelled')",
            (state, to_us(now), reason, key, failed_tasks),
        )
        == 1
    )


build_run = Builder(Run)
"""Builds the run of a row of SELECT_RUN."""


def run_of(row: Row | None) -> Run | None:
    return None if row is None else build_run(row)


def stop(tx: Transaction, key: int, how: RunState, reason: str) -> bool:
    """Stop the run: no task begins any more, and it ends as `how` when none is in flight."""
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
            " acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_note = NULL,"
            " success_acknowledged_at = NULL, success_acknowledged_by = NULL,"
            " success_acknowledged_note = NULL, failed_tasks = 0"
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
    """Set the note of the run."""
    tx.execute("UPDATE runs SET note = ? WHERE id = ?", (note, key))
