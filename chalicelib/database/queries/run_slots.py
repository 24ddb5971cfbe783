"""Named queries about the slots of max_active_runs: who has one, who waits, whose time is up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us, to_us
from chalicelib.database.index_predicates import RUNS_ADMITTED, RUNS_TIMEOUT, RUNS_WAITING
from chalicelib.database.queries.runs import SELECT_RUN, Run, build_run, run_of

# Without being told, SQLite takes the index of all runs of the DAG, and reads its whole history.
BY_WAITING = "INDEXED BY runs_waiting"
BY_ADMITTED = "INDEXED BY runs_admitted"


def admitted_count(tx: Transaction, dag_id: str) -> int:
    """How many of the DAG's max_active_runs slots are taken."""
    return int(
        tx.value(
            f"SELECT count(*) FROM runs {BY_ADMITTED} WHERE dag_id = ? AND {RUNS_ADMITTED}",
            (dag_id,),
        )
        or 0
    )


_IN_LINE = f"""
    {BY_WAITING} WHERE dag_id = :dag_id AND {RUNS_WAITING}
    AND (run_type <> 'scheduled' OR reopened_at IS NOT NULL
         OR (not_before <= :horizon AND :only_asked_for = 0))
"""
_IN_ORDER = "ORDER BY backfill_id IS NOT NULL, not_before, id LIMIT :limit"
LINE = f"SELECT id FROM runs {_IN_LINE} {_IN_ORDER}"
IS_IN_LINE = f"SELECT 1 FROM runs {_IN_LINE} AND id = :key"


def line(
    tx: Transaction, dag_id: str, horizon: datetime, *, only_asked_for: bool, limit: int
) -> list[int]:
    """The keys of the runs that wait for a slot, the earliest first; or of those of them that the
    clock alone did not make. Only what the clock made waits for its time: all else was asked for
    now, and a time that lies ahead is from before the clock was set back."""
    params = _line_of(dag_id, horizon, only_asked_for=only_asked_for)
    return tx.values(LINE, {**params, "limit": limit})


def is_in_line(tx: Transaction, run: Run, horizon: datetime, *, only_asked_for: bool) -> bool:
    """Whether `line` answers this run, given a limit that reaches it."""
    params = _line_of(run.dag_id, horizon, only_asked_for=only_asked_for)
    return tx.one(IS_IN_LINE, {**params, "key": run.key}) is not None


def _line_of(dag_id: str, horizon: datetime, *, only_asked_for: bool) -> dict[str, Any]:
    return {
        "dag_id": dag_id,
        "horizon": to_us(horizon),
        "only_asked_for": int(only_asked_for),
    }


DAGS_TO_ADMIT = f"""
    WITH RECURSIVE waiting (dag_id) AS (
        SELECT min(dag_id) FROM runs {BY_WAITING} WHERE {RUNS_WAITING}
        UNION ALL
        SELECT (SELECT min(r.dag_id) FROM runs r {BY_WAITING} WHERE {RUNS_WAITING.of("r")}
                AND r.dag_id > waiting.dag_id)
        FROM waiting WHERE waiting.dag_id IS NOT NULL)
    SELECT d.dag_id FROM waiting CROSS JOIN dags d ON d.dag_id = waiting.dag_id
    WHERE d.removed_at IS NULL
    AND d.max_active_runs > (SELECT count(*) FROM runs r {BY_ADMITTED} WHERE r.dag_id = d.dag_id
                             AND {RUNS_ADMITTED.of("r")})
    AND EXISTS (SELECT 1 FROM runs r {BY_WAITING} WHERE r.dag_id = d.dag_id
                AND {RUNS_WAITING.of("r")}
                AND (r.run_type <> 'scheduled' OR r.reopened_at IS NOT NULL
                     OR (r.not_before <= :horizon AND d.is_paused = 0)))
    ORDER BY (SELECT min(r.not_before) FROM runs r {BY_WAITING} WHERE r.dag_id = d.dag_id
              AND {RUNS_WAITING.of("r")}), d.dag_id
    LIMIT :limit
"""


def dags_to_admit(tx: Transaction, horizon: datetime, limit: int) -> list[str]:
    """The DAGs with a free slot and a run that waits for it, the longest waiting first. One DAG
    after the other is found in the index: many runs of one cost no more than one."""
    rows = tx.all(DAGS_TO_ADMIT, {"horizon": to_us(horizon), "limit": limit})
    return [row["dag_id"] for row in rows]


def admitted(tx: Transaction, dag_id: str, limit: int) -> list[Run]:
    """The runs that have the DAG's slots, the longest first."""
    rows = tx.all(
        f"{SELECT_RUN} {BY_ADMITTED} WHERE dag_id = ? AND {RUNS_ADMITTED}"
        " ORDER BY admitted_at, id LIMIT ?",
        (dag_id, limit),
    )
    return [build_run(row) for row in rows]


def take_slot(tx: Transaction, run: Run, timeout_at: datetime | None, now: datetime) -> bool:
    """Give the run a slot; False if it has one or has ended. It fails at `timeout_at`."""
    return (
        tx.execute(
            "UPDATE runs SET admitted_at = ?, timeout_at = ?"
            " WHERE id = ? AND admitted_at IS NULL AND ended_at IS NULL",
            (to_us(now), to_us(timeout_at), run.key),
        )
        == 1
    )


def waiting_of(tx: Transaction, dag_id: str, limit: int) -> list[Run]:
    """Every run of the DAG that has no slot yet."""
    rows = tx.all(
        f"{SELECT_RUN} {BY_WAITING} WHERE dag_id = ? AND {RUNS_WAITING}"
        " ORDER BY not_before, id LIMIT ?",
        (dag_id, limit),
    )
    return [build_run(row) for row in rows]


def waiting_in_removed(tx: Transaction, limit: int) -> list[Run]:
    """Runs without a slot whose DAG's file is gone."""
    rows = tx.all(
        f"{SELECT_RUN} {BY_WAITING} WHERE {RUNS_WAITING} AND EXISTS"
        " (SELECT 1 FROM dags d WHERE d.dag_id = runs.dag_id AND d.removed_at IS NOT NULL)"
        " ORDER BY dag_id, not_before, id LIMIT ?",
        (limit,),
    )
    return [build_run(row) for row in rows]


def oldest_admitted(tx: Transaction, dag_id: str) -> Run | None:
    """The run that has held its slot the longest and is not being stopped."""
    return run_of(
        tx.one(
            f"{SELECT_RUN} {BY_ADMITTED} WHERE dag_id = ? AND {RUNS_ADMITTED}"
            " AND stopping IS NULL ORDER BY admitted_at, id LIMIT 1",
            (dag_id,),
        )
    )


def first_waiting(tx: Transaction, dag_id: str, before_key: int) -> Run | None:
    """The run, created before this one, that has waited longest for a slot."""
    return run_of(
        tx.one(
            f"{SELECT_RUN} {BY_WAITING} WHERE dag_id = ? AND {RUNS_WAITING} AND id < ?"
            " ORDER BY not_before, id LIMIT 1",
            (dag_id, before_key),
        )
    )


ACTIVE_COUNT = f"""
    SELECT (SELECT count(*) FROM runs {BY_ADMITTED} WHERE dag_id = ?1 AND {RUNS_ADMITTED}
            AND stopping IS NULL)
         + (SELECT count(*) FROM runs {BY_WAITING} WHERE dag_id = ?1 AND {RUNS_WAITING})
"""


def active_count(tx: Transaction, dag_id: str) -> int:
    """How many runs of the DAG have a slot, or wait for one, without those that give theirs up as
    soon as what is in flight has stopped."""
    return int(tx.value(ACTIVE_COUNT, (dag_id,)))


def timed_out(tx: Transaction, now: datetime, limit: int) -> list[Run]:
    """Runs whose dagrun_timeout has passed."""
    rows = tx.all(
        f"{SELECT_RUN} WHERE timeout_at <= ? AND {RUNS_TIMEOUT} ORDER BY timeout_at LIMIT ?",
        (to_us(now), limit),
    )
    return [build_run(row) for row in rows]


def timeout_moments(
    tx: Transaction, after: datetime, until: datetime, limit: int
) -> list[datetime]:
    """The distinct times in (after, until] at which a run times out, earliest first."""
    values = tx.values(
        "SELECT DISTINCT timeout_at FROM runs WHERE timeout_at > ? AND timeout_at <= ?"
        f" AND {RUNS_TIMEOUT} ORDER BY timeout_at LIMIT ?",
        (to_us(after), to_us(until), limit),
    )
    return [from_us(value) for value in values]


def is_held_up(tx: Transaction, run: Run) -> bool:
    """Whether a run of an earlier date waits for a slot while nothing moves in those that have one:
    then it is this run, or another like it, that must end first."""
    held_up = tx.value(
        f"SELECT EXISTS (SELECT 1 FROM runs {BY_WAITING} WHERE dag_id = ?1 AND {RUNS_WAITING}"
        " AND logical_date < ?2)"
        f" AND NOT EXISTS (SELECT 1 FROM runs r {BY_ADMITTED}"
        " JOIN task_instances t ON t.run_key = r.id WHERE r.dag_id = ?1"
        f" AND {RUNS_ADMITTED.of('r')} AND t.state IN"
        " ('scheduled', 'queued', 'running', 'up_for_retry', 'up_for_reschedule'))",
        (run.dag_id, to_us(run.logical_date)),
    )
    return bool(held_up)


def waiting_count(tx: Transaction, dag_id: str) -> int:
    """How many runs of the DAG have no slot yet."""
    return int(
        tx.value(
            f"SELECT count(*) FROM runs {BY_WAITING} WHERE dag_id = ? AND {RUNS_WAITING}",
            (dag_id,),
        )
        or 0
    )
