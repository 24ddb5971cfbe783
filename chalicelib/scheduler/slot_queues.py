"""Who holds the slots of a limit, and who waits for them, in words. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.database.queries import run_slots, task_slots
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.database.reads.wait_reasons import Holder, WaitingFor
from chalicelib.enums import WaitingCode
from chalicelib.scheduler.free_slots import Obstacle
from chalicelib.scheduler.unit_of_work import LEAD_TIME, UnitOfWork

MAX_HOLDERS = 5
"""How many holders of slots are named."""
MAX_POSITIONS = 1000
"""Positions of a queue that are counted. Beyond that a position is None."""


def notify_run(run: Run) -> Holder:
    return Holder(run.dag_id, run.run_id, None, None, run.state)


def notify_task(task: TaskInstance) -> Holder:
    attempt = task.attempt
    return Holder(attempt.dag_id, attempt.run_id, task.task_id, attempt.map_index, task.state)


def label(holder: Holder) -> str:
    """Return the name of a run or task in a sentence."""
    if holder.task_id is None:
        return holder.run_id
    index = f"[{holder.map_index}]" if (holder.map_index or -1) >= 0 else ""
    return f"{holder.task_id}{index} of {holder.run_id}"


def listed(names: Sequence[str], total: int) -> str:
    """Return `a, b and 3 more`."""
    rest = total - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest > 0 else "")


class SlotQueues:
    """The queues as one transaction sees them. Each is read once."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._lines: dict[tuple[str, str], dict[int, int]] = {}
        self._holders: dict[tuple[WaitingCode, str, int], tuple[tuple[Holder, ...], int]] = {}

    def for_run(self, dag: RegisteredDag, run: Run) -> WaitingFor:
        """Explain a run that waits for one of its DAG's max_active_runs slots."""
        tx, code = self._work.tx, WaitingCode.MAX_ACTIVE_RUNS

        def holders() -> tuple[tuple[Holder, ...], int]:
            admitted = run_slots.admitted(tx, dag.dag_id, MAX_HOLDERS)
            return tuple(map(notify_run, admitted)), run_slots.admitted_count(tx, dag.dag_id)

        def line() -> list[int]:
            horizon = self._work.now + LEAD_TIME
            paused = dag.is_paused
            return run_slots.line(
                tx, dag.dag_id, horizon, only_asked_for=paused, limit=MAX_POSITIONS
            )

        held, count = self._held((code, dag.dag_id, 0), holders)
        position = self._place("runs of", dag.dag_id, line).get(run.key)
        what = (
            f"waits for a run slot: DAG {dag.dag_id} has max_active_runs {dag.max_active_runs}"
            f"{_by(held, count)}{_place(position)}"
        )
        return WaitingFor(code, what, None, position, held, count)

    def for_task(self, task: TaskInstance, obstacle: Obstacle) -> WaitingFor:
        """Explain a ready task that waits for this limit."""
        if obstacle.remedy:
            return WaitingFor(obstacle.code, obstacle.remedy)
        return _FOR_TASK[obstacle.code](self, task, obstacle)

    def _for_dag(self, task: TaskInstance, obstacle: Obstacle) -> WaitingFor:
        tx, dag_id = self._work.tx, obstacle.name

        def holders() -> tuple[tuple[Holder, ...], int]:
            held = task_slots.holders_in_dag(tx, dag_id, MAX_HOLDERS)
            return tuple(map(notify_task, held)), task_slots.in_flight_count(tx, dag_id)

        held, count = self._held((obstacle.code, dag_id, 0), holders)
        line = self._place(
            "tasks of", dag_id, lambda: task_slots.line_of_dag(tx, dag_id, MAX_POSITIONS)
        )
        position = line.get(task.key)
        what = (
            f"waits for a task slot: DAG {dag_id} has max_active_tasks {obstacle.size}"
            f"{_by(held, count)}{_place(position)}"
        )
        return WaitingFor(obstacle.code, what, None, position, held, count)

    def _for_pool(self, task: TaskInstance, obstacle: Obstacle) -> WaitingFor:
        tx, pool = self._work.tx, obstacle.name

        def holders() -> tuple[tuple[Holder, ...], int]:
            held = task_slots.holders_in_pool(tx, pool, MAX_HOLDERS)
            return tuple(map(notify_task, held)), task_slots.in_pool_count(tx, pool)

        held, count = self._held((obstacle.code, pool, 0), holders)
        line = self._place("pool", pool, lambda: task_slots.line_of_pool(tx, pool, MAX_POSITIONS))
        position = line.get(task.key)
        slots = "1 slot" if obstacle.needs == 1 else f"{obstacle.needs} slots"
        what = (
            f"waits for {slots} of pool {pool}: {max(obstacle.free, 0)} of {obstacle.size} free"
            f"{_by(held, count)}{_place(position)}"
        )
        return WaitingFor(obstacle.code, what, None, position, held, count)

    def _for_instances(self, task: TaskInstance, obstacle: Obstacle) -> WaitingFor:
        tx, key = self._work.tx, (task.run_key, task.task_id)

        def holders() -> tuple[tuple[Holder, ...], int]:
            held = task_slots.holders_of_task(tx, *key, MAX_HOLDERS)
            return tuple(map(notify_task, held)), task_slots.in_flight_of_task(tx, *key)

        held, count = self._held((obstacle.code, task.task_id, task.run_key), holders)
        what = (
            f"waits for other instances of {task.task_id}: max_active_tis_per_dagrun is"
            f" {obstacle.size}{_by(held, count)}"
        )
        return WaitingFor(obstacle.code, what, None, None, held, count)

    def _held(
        self,
        key: tuple[WaitingCode, str, int],
        read: Callable[[], tuple[tuple[Holder, ...], int]],
    ) -> tuple[tuple[Holder, ...], int]:
        if key not in self._holders:
            self._holders[key] = read()
        return self._holders[key]

    def _place(self, kind: str, name: str, read: Callable[[], list[int]]) -> dict[int, int]:
        if (kind, name) not in self._lines:
            self._lines[kind, name] = {key: place for place, key in enumerate(read(), 1)}
        return self._lines[kind, name]


_FOR_TASK: dict[WaitingCode, Callable[[SlotQueues, TaskInstance, Obstacle], WaitingFor]] = {
    WaitingCode.MAX_ACTIVE_TASKS: SlotQueues._for_dag,
    WaitingCode.POOL_FULL: SlotQueues._for_pool,
    WaitingCode.MAX_ACTIVE_TIS_PER_DAGRUN: SlotQueues._for_instances,
}


def _by(held: Sequence[Holder], count: int) -> str:
    return f", held by {listed([label(holder) for holder in held], count)}" if held else ""


def _place(position: int | None) -> str:
    return f"; number {position} in the queue" if position is not None else ""
