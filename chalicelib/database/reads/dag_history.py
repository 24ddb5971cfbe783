"""The past of one DAG: its grid of runs and tasks, its days, and how long its tasks took.

Each reads a bounded part of it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median
from zoneinfo import ZoneInfo

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import from_us
from chalicelib.database.reads import runs
from chalicelib.database.reads.dag_history_values import DayOfRuns, GridCell, TaskDurations
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.run_values import Run
from chalicelib.database.reads.window import WINDOW

KEYS = "SELECT id FROM runs WHERE dag_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
SIZES = """
    SELECT k.value AS run_key, (SELECT count(*) FROM task_instances t WHERE t.run_key = k.value)
        AS size
    FROM json_each(?) k
"""
CELLS = """
    SELECT t.run_key, t.task_id, t.state, count(*) AS number, max(t.try_number) AS tries,
           max(t.reason) AS reason
    FROM json_each(?) k CROSS JOIN task_instances t ON t.run_key = k.value
    WHERE t.removed_at IS NULL GROUP BY t.run_key, t.task_id, t.state
"""
DAYS = """
    SELECT logical_date, state, failed_tasks, run_id FROM runs
    WHERE dag_id = ? AND logical_date < ? ORDER BY logical_date DESC LIMIT ?
"""
TIMES = """
    SELECT t.task_id, t.state, (t.ended_at - t.started_at) / 1e6 AS duration,
           (t.started_at - max(t.queued_at, coalesce(t.not_before, 0))) / 1e6 AS wait
    FROM json_each(?) k CROSS JOIN task_instances t ON t.run_key = k.value
    WHERE t.removed_at IS NULL AND t.started_at IS NOT NULL AND t.ended_at IS NOT NULL
"""
_NO_BOUND = 2**62


def grid(
    tx: Transaction, dag_id: str, *, limit: int, before: int | None = None
) -> tuple[Page[Run, int], list[GridCell]]:
    """The newest runs, and the cells of their tasks. A page of runs with very many task instances
    is shorter."""
    keys = tx.values(KEYS, (dag_id, _bound(before), limit + 1))
    shown = _as_many_as_fit(tx, keys[:limit])
    found = runs.by_keys(tx, shown)
    items = [found[key] for key in shown]
    is_last = len(shown) == len(keys)
    return Page(items, None if is_last else shown[-1]), _cells(tx, shown, found)


def days(
    tx: Transaction, dag_id: str, timezone: str, *, before: int | None = None
) -> Page[DayOfRuns, int]:
    """The days with runs, newest first. Looks through WINDOW runs for one page; the day at its end
    may be continued on the next one only if it has more runs than that."""
    rows = tx.all(DAYS, (dag_id, _bound(before), WINDOW + 1))
    zone = ZoneInfo(timezone)
    by_day: dict[str, list[tuple[str, int, str, int]]] = {}
    for row in rows[:WINDOW]:
        day = _date(row["logical_date"], zone)
        run = (row["state"], row["failed_tasks"], row["run_id"], row["logical_date"])
        by_day.setdefault(day, []).append(run)
    is_cut = len(rows) > WINDOW
    if is_cut and len(by_day) > 1 and _date(rows[-1]["logical_date"], zone) in by_day:
        by_day.popitem()
    last = next(reversed(by_day.values()), [])
    items = [_day(date, found) for date, found in by_day.items()]
    return Page(items, last[-1][3] if is_cut else None)


def durations(tx: Transaction, dag_id: str, *, limit: int) -> list[TaskDurations]:
    """How long each task took in the latest runs, those that take the most time first."""
    keys = _as_many_as_fit(tx, tx.values(KEYS, (dag_id, _NO_BOUND, limit)))
    took: defaultdict[str, list[float]] = defaultdict(list)
    waited: defaultdict[str, list[float]] = defaultdict(list)
    failed = Counter[str]()
    for row in tx.all(TIMES, (json.dumps(keys),)):
        if row["state"] == "success":
            took[row["task_id"]].append(row["duration"])
        failed[row["task_id"]] += row["state"] == "failed"
        if row["wait"] is not None:
            waited[row["task_id"]].append(max(0.0, row["wait"]))
    tasks = [
        _durations(task_id, took[task_id], waited[task_id], failed[task_id]) for task_id in failed
    ]
    return sorted(tasks, key=lambda task: (-(task.typical or 0), task.task_id))


def _date(at: int, zone: ZoneInfo) -> str:
    return from_us(at).astimezone(zone).date().isoformat()


def _bound(key: int | None) -> int:
    return _NO_BOUND if key is None else key


def _as_many_as_fit(tx: Transaction, keys: Sequence[int]) -> list[int]:
    """The first of these runs that have WINDOW task instances together; one at least."""
    fit: list[int] = []
    size = 0
    for row in tx.all(SIZES, (json.dumps(list(keys)),)):
        size += row["size"]
        if fit and size > WINDOW:
            break
        fit.append(row["run_key"])
    return fit


def _cells(tx: Transaction, keys: Sequence[int], found: dict[int, Run]) -> list[GridCell]:
    counts: defaultdict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    tries, reasons = Counter[tuple[int, str]](), dict[tuple[int, str], str]()
    for row in tx.all(CELLS, (json.dumps(list(keys)),)):
        cell = (row["run_key"], row["task_id"])
        counts[cell][row["state"]] = row["number"]
        tries[cell] = max(tries[cell], row["tries"])
        if row["state"] == "failed" or not reasons.get(cell):
            reasons[cell] = row["reason"]
    return [
        GridCell(found[run_key].run_id, task_id, number, tries[cell], reasons[cell])
        for cell, number in counts.items()
        for run_key, task_id in [cell]
    ]


def _day(date: str, found: Sequence[tuple[str, int, str, int]]) -> DayOfRuns:
    counts = Counter(state for state, *_ in found)
    partial = sum(state == "success" and failed > 0 for state, failed, *_ in found)
    shown = next((run for run in found if run[0] == "failed"), found[0])
    return DayOfRuns(date, dict(counts), partial, shown[2])


def _durations(
    task_id: str, took: Sequence[float], waited: Sequence[float], failed: int
) -> TaskDurations:
    return TaskDurations(
        task_id,
        count=len(took),
        failed=failed,
        typical=median(took) if took else None,
        longest=max(took, default=None),
        typical_wait=median(waited) if waited else None,
    )
