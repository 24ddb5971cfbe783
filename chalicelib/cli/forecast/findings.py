"""What a history says: runs by DAG, the busiest minutes, overlaps, missed fire times, the cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.cli.forecast.history import History
from chalicelib.dag.schedule.fire_times import next_fire_time
from chalicelib.dag.states import RunState
from chalicelib.database.reads.history import PastRun
from chalicelib.enums import RunType
from infra import cost

BUSIEST = 5
MONTH = timedelta(days=365 / 12)
MEMORY_MB = 384
MOST_MISSED = 10_000


@dataclass(frozen=True, slots=True)
class DagSummary:
    """What became of one DAG. `longest_wait` in seconds, for the limit that is named;
    `overlaps`: runs that began before the one before them had ended; `missed`: fire times without a
    run."""

    dag_id: str
    runs: int
    tasks: int
    failed_runs: int
    longest_run: float
    longest_wait: float
    limit: str
    overlaps: int
    missed: int


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute, the tasks that began in it, and the DAGs with the most of them."""

    at: datetime
    tasks: int
    dag_ids: tuple[str, ...]


def by_dag(history: History) -> list[DagSummary]:
    """A summary of each DAG, the longest waits first."""
    runs, tasks, waits = defaultdict(list), Counter[str](), defaultdict(list)
    for run in history.runs:
        if not _was_skipped(run):
            runs[run.dag_id].append(run)
    tasks.update(task.dag_id for task in history.started)
    for wait in history.waits:
        waits[wait.dag_id].append(wait)
    rows = []
    for dag_id in history.dags:
        longest = max(waits[dag_id], key=lambda wait: wait.seconds, default=None)
        durations = [
            (run.ended_at - run.started_at).total_seconds()
            for run in runs[dag_id]
            if run.ended_at is not None and run.started_at is not None
        ]
        rows.append(
            DagSummary(
                dag_id,
                len(runs[dag_id]),
                tasks[dag_id],
                sum(run.state == "failed" for run in runs[dag_id]),
                max(durations, default=0.0),
                longest.seconds if longest else 0.0,
                longest.limit if longest else "",
                _overlaps(runs[dag_id]),
                len(_missed(history, dag_id)),
            )
        )
    return sorted(rows, key=lambda row: (-row.longest_wait, row.dag_id))


def _was_skipped(run: PastRun) -> bool:
    """Whether `overlap_policy` let the run end before it began."""
    return run.state is RunState.CANCELLED and run.started_at is None


def _overlaps(runs: list[Any]) -> int:
    started = sorted(
        (run for run in runs if run.started_at is not None), key=lambda run: run.started_at
    )
    latest_end: datetime | None = None
    count = 0
    for run in started:
        if latest_end is not None and run.started_at < latest_end:
            count += 1
        end = run.ended_at or datetime.max.replace(tzinfo=run.started_at.tzinfo)
        latest_end = end if latest_end is None else max(latest_end, end)
    return count


def _missed(history: History, dag_id: str) -> list[datetime]:
    """The fire times in the period that made no run."""
    dag = history.dags[dag_id]
    run_dates = {
        run.logical_date
        for run in history.runs
        if run.dag_id == dag_id and run.run_type is RunType.SCHEDULED and not _was_skipped(run)
    }
    missed: list[datetime] = []
    if dag.is_paused_upon_creation:
        return missed
    time = next_fire_time(dag, history.begins) if dag.schedule else None
    while time is not None and time < history.ends and len(missed) < MOST_MISSED:
        if time not in run_dates:
            missed.append(time)
        time = next_fire_time(dag, time)
    return missed


def busiest_minutes(history: History) -> list[Minute]:
    """The minutes in which the most tasks began."""
    minutes: dict[datetime, Counter[str]] = defaultdict(Counter)
    for task in history.started:
        if task.started_at is not None:
            at = task.started_at.replace(second=0, microsecond=0)
            minutes[at][task.dag_id] += 1
    busiest = sorted(minutes, key=lambda at: (-minutes[at].total(), at))[:BUSIEST]
    return [
        Minute(at, minutes[at].total(), tuple(name for name, _ in minutes[at].most_common(3)))
        for at in busiest
    ]


def most_at_once(history: History) -> int:
    """The most commands that ran at the same time."""
    changes: Counter[datetime] = Counter()
    for task in history.started:
        if task.started_at is not None and task.ended_at is not None:
            changes[task.started_at] += 1
            changes[task.ended_at] -= 1
    running = most = 0
    for at in sorted(changes):
        running += changes[at]
        most = max(most, running)
    return most


def monthly_usd(history: History) -> dict[str, float]:
    """AWS's list prices for a month of this, by service."""
    period = max(history.ends - history.begins, timedelta(minutes=1))
    seconds = [
        (task.ended_at - task.started_at).total_seconds()
        for task in history.started
        if task.started_at is not None and task.ended_at is not None
    ]
    tasks = round(len(seconds) * (MONTH / period))
    average = sum(seconds) / len(seconds) if seconds else 0.0
    load = cost.Load(tasks=tasks, seconds=average, memory_mb=MEMORY_MB)
    return cost.by_service(cost.items(load))
