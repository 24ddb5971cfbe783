"""What runs, waits and failed, as reads return it. Class and field names are those of the API.

Times are aware datetimes in UTC, durations float seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.states import RunState
from chalicelib.database.reads.run_values import Run


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """The open failures of a DAG: runs that failed, or succeeded although a task failed, since the
    DAG last succeeded, and that nobody has acknowledged.

    Attributes:
        name: Name of the DAG.
        run: The latest of these runs.
        count: Number of these runs; 100 stands for a hundred or more.
    """

    dag_id: str
    name: str
    run: Run
    count: int


@dataclass(frozen=True, slots=True)
class RecentRun:
    """One of a DAG's latest runs.

    Attributes:
        failed_tasks: Number of tasks that failed, counted when the run ended.
        duration: Seconds from `started_at` to `ended_at`; null until the run has ended.
    """

    run_id: str
    state: RunState
    logical_date: datetime
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration: float | None
    failed_tasks: int


@dataclass(frozen=True, slots=True)
class DagActivity:
    """What a DAG's runs are doing.

    Attributes:
        name: Name of the DAG.
        running_runs: Number of runs of which a task has begun.
        waiting_runs: Number of runs that wait for their time, a slot, or their first task.
        open_failure: The failures that need attention; null if there are none.
        recent_runs: The DAG's latest runs, newest first.
    """

    dag_id: str
    name: str
    running_runs: int
    waiting_runs: int
    open_failure: OpenFailure | None
    recent_runs: tuple[RecentRun, ...]


@dataclass(frozen=True, slots=True)
class ActiveBackfill:
    """The active runs of one backfill.

    Attributes:
        name: Name of the DAG.
        running_runs: Number of its runs of which a task has begun.
        waiting_runs: Number of its runs that wait for a slot or for their first task.
    """

    backfill_id: int
    dag_id: str
    name: str
    running_runs: int
    waiting_runs: int
