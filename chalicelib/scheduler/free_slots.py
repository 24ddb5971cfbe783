"""How many slots are free, and which limits keep a run or a ready task from starting.

Both the code that gives slots and the code that explains a wait use this module, so that the two
cannot disagree. Read-only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.database.queries import dags, pools, run_slots, task_slots
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.database.queries.task_slots import Full
from chalicelib.enums import WaitingCode
from chalicelib.scheduler.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A limit of `size` slots that lacks a free one. `name` is the DAG, the pool or the task whose
    limit it is; the task that waits takes `needs` slots."""

    code: WaitingCode
    name: str
    size: int
    free: int = 0
    needs: int = 1

    @property
    def remedy(self) -> str:
        """What a user must do before the task can start; empty if it only has to wait."""
        if self.code is WaitingCode.POOL_MISSING:
            return (
                f"waits: there is no pool {self.name!r}; create it with PUT /api/pools/{self.name}"
            )
        if self.code is WaitingCode.POOL_TOO_SMALL:
            return (
                f"waits: it takes {self.needs} of pool {self.name!r}, which has {self.size};"
                " change one of them"
            )
        return ""


def free_run_slots(work: UnitOfWork, dag: RegisteredDag) -> int:
    """Return how many of the DAG's waiting runs may be admitted now."""
    return dag.max_active_runs - run_slots.admitted_count(work.tx, dag.dag_id)


class FreeSlots:
    """The free slots for tasks, read once per transaction and then counted down."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._limits: dict[str, int] = {}
        self._dags: dict[str, int] = {}
        self._pools: dict[str, int | None] = {}
        self._sizes: dict[str, int | None] = {}
        self._tasks: Counter[tuple[int, str]] = Counter()
        self._full_dags: set[str] = set()

    def obstacles(self, task: TaskInstance) -> Iterator[Obstacle]:
        """Yield the limits that keep a ready task from starting; none if it may start."""
        dag_id = task.attempt.dag_id
        if self.is_full_dag(dag_id):
            yield Obstacle(WaitingCode.MAX_ACTIVE_TASKS, dag_id, self._limits[dag_id])
        if task.pool is not None and (obstacle := self._of_pool(task.pool, task.pool_slots)):
            yield obstacle
        limit = self._task_limit(task)
        if limit is not None and self._in_flight(task) >= limit:
            yield Obstacle(WaitingCode.MAX_ACTIVE_TIS_PER_DAGRUN, task.task_id, limit)

    def is_full_dag(self, dag_id: str) -> bool:
        """Whether no task of the DAG can start now."""
        if dag_id not in self._dags:
            dag = dags.find(self._work.tx, dag_id)
            self._limits[dag_id] = dag.max_active_tasks if dag else 0
            in_flight = task_slots.in_flight_count(self._work.tx, dag_id)
            self._dags[dag_id] = self._limits[dag_id] - in_flight
            if self._dags[dag_id] <= 0:
                self._full_dags.add(dag_id)
        return dag_id in self._full_dags

    def is_full_pool(self, pool: str) -> bool:
        """Whether no task that needs the pool can start now. A pool without any slot is not full:
        its tasks say what must be changed."""
        free = self._free(pool)
        return free is not None and free <= 0 and bool(self._size(pool))

    def full(self) -> Full:
        """Return the DAGs and pools known to be full."""
        return Full(
            sorted(self._full_dags),
            [pool for pool in self._pools if self.is_full_pool(pool)],
        )

    def take(self, task: TaskInstance) -> None:
        """Count down the slots of a task that starts."""
        dag_id = task.attempt.dag_id
        self._dags[dag_id] -= 1
        if self._dags[dag_id] <= 0:
            self._full_dags.add(dag_id)
        if task.pool is not None:
            self._pools[task.pool] = (self._pools[task.pool] or 0) - task.pool_slots
        self._tasks[task.run_key, task.task_id] += 1

    def _of_pool(self, pool: str, needs: int) -> Obstacle | None:
        free, size = self._free(pool), self._size(pool)
        if free is None or size is None:
            return Obstacle(WaitingCode.POOL_MISSING, pool, 0, 0, needs)
        if size < needs:
            return Obstacle(WaitingCode.POOL_TOO_SMALL, pool, size, free, needs)
        return Obstacle(WaitingCode.POOL_FULL, pool, size, free, needs) if free < needs else None

    def _free(self, pool: str) -> int | None:
        if pool not in self._pools:
            self._pools[pool] = pools.free_slots(self._work.tx, pool)
        return self._pools[pool]

    def _size(self, pool: str) -> int | None:
        if pool not in self._sizes:
            self._sizes[pool] = pools.size(self._work.tx, pool)
        return self._sizes[pool]

    def _task_limit(self, task: TaskInstance) -> int | None:
        if task.attempt.map_index < 0:
            return None
        run = self._work.run_of(task)
        definition = self._work.definition(run.version_id).task(task.task_id)
        return definition.max_active_tis_per_dagrun

    def _in_flight(self, task: TaskInstance) -> int:
        key = (task.run_key, task.task_id)
        if key not in self._tasks:
            self._tasks[key] = task_slots.in_flight_of_task(self._work.tx, *key)
        return self._tasks[key]
