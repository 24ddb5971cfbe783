"""What was simulated: runs and tasks, how long each waited, and for which limit."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.dag.model import Dag
from chalicelib.database.reads import history as reads
from chalicelib.database.reads.history import PastRun, PastTask
from chalicelib.simulation.system import SimulatedSystem

LEAST_WAIT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long something was ready and waited for a limit: `max_active_runs`, `max_active_tasks`,
    or `pool NAME`."""

    dag_id: str
    what: str
    limit: str
    since: datetime
    seconds: float


@dataclass(frozen=True)
class History:
    """Runs and tasks from `begins` to `ends`, and their waits."""

    begins: datetime
    ends: datetime
    dags: Mapping[str, Dag]
    runs: tuple[PastRun, ...]
    tasks: tuple[PastTask, ...]
    waits: tuple[Wait, ...] = field(default=())

    @property
    def started(self) -> list[PastTask]:
        """The tasks whose command began."""
        return [task for task in self.tasks if task.started_at is not None]


def read(system: SimulatedSystem, dags: Iterable[Dag], begins: datetime, ends: datetime) -> History:
    """Everything that the system's database holds."""
    with system.database.read() as tx:
        runs, tasks = tuple(reads.all_runs(tx)), tuple(reads.all_tasks(tx))
    by_id = {dag.dag_id: dag for dag in dags}
    waits = [*_run_waits(runs), *_task_waits(runs, tasks, by_id)]
    return History(begins, ends, by_id, runs, tasks, tuple(waits))


def _run_waits(runs: Iterable[PastRun]) -> list[Wait]:
    waits = []
    for run in runs:
        if run.admitted_at is None:
            continue
        ready = max(run.created_at, run.not_before)
        if run.admitted_at - ready >= LEAST_WAIT:
            seconds = (run.admitted_at - ready).total_seconds()
            waits.append(Wait(run.dag_id, run.run_id, "max_active_runs", ready, seconds))
    return waits


def _task_waits(
    runs: Iterable[PastRun], tasks: Iterable[PastTask], dags: Mapping[str, Dag]
) -> list[Wait]:
    by_key = {run.key: run for run in runs}
    ends: dict[tuple[int, str], datetime] = {}
    holding = _Holding(tasks)
    for task in tasks:
        if task.ended_at is not None:
            key = (task.run_key, task.task_id)
            ends[key] = max(task.ended_at, ends.get(key, task.ended_at))
    waits = []
    for task in tasks:
        ready = _ready_at(task, by_key[task.run_key], ends, dags.get(task.dag_id))
        if ready is None or task.queued_at is None or task.try_number != 1:
            continue
        if task.queued_at - ready >= LEAST_WAIT:
            limit = holding.limit(task, ready, dags[task.dag_id])
            seconds = (task.queued_at - ready).total_seconds()
            waits.append(Wait(task.dag_id, task.task_id, limit, ready, seconds))
    return waits


def _ready_at(
    task: PastTask, run: PastRun, ends: Mapping[tuple[int, str], datetime], dag: Dag | None
) -> datetime | None:
    """Return when the task's dependencies ended; None if that is not known."""
    if run.admitted_at is None or dag is None:
        return None
    definition = next((row for row in dag.tasks if row.id == task.task_id), None)
    if definition is None:
        return None
    times = [run.admitted_at, run.not_before]
    for up in definition.dependencies:
        if (task.run_key, up) not in ends:
            return None
        times.append(ends[task.run_key, up])
    return max(times)


class _Holding:
    """Which tasks held a slot at a time."""

    def __init__(self, tasks: Iterable[PastTask]) -> None:
        self._starts: dict[str, list[datetime]] = defaultdict(list)
        self._ends: dict[str, list[datetime]] = defaultdict(list)
        for task in tasks:
            if task.queued_at is not None:
                self._starts[task.dag_id].append(task.queued_at)
                if task.ended_at is not None:
                    self._ends[task.dag_id].append(task.ended_at)
        for times in (*self._starts.values(), *self._ends.values()):
            times.sort()

    def limit(self, task: PastTask, at: datetime, dag: Dag) -> str:
        """What a task that was ready at that time waited for."""
        begun = bisect_left(self._starts[task.dag_id], at + LEAST_WAIT)
        ended = bisect_right(self._ends[task.dag_id], at)
        if task.pool is None or begun - ended >= dag.max_active_tasks:
            return "max_active_tasks"
        return f"pool {task.pool}"
