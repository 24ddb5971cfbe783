"""The limits, and who goes first: nothing else gives out a slot than the two functions here.

Schedulers with several doors (the clock, the API, a backfill) tend to check limits at some of them
only. Here a run is made without a slot, whoever makes it, and a task becomes ready without one.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import repeat

from chalicelib.dag.states import TaskState
from chalicelib.dag.template_terms import TemplateError
from chalicelib.database import attempts, dags, pools, run_slots, task_instances, task_slots
from chalicelib.database.runs import Run
from chalicelib.database.task_instances import End, TaskInstance
from chalicelib.database.task_slots import Full, Place
from chalicelib.messages import Attempt
from chalicelib.scheduler import notices, triggering
from chalicelib.scheduler.context import MAKE_AHEAD, Work
from chalicelib.scheduler.environment import task_message

log = logging.getLogger("orchestrator.scheduler")

MAX_BEGUN = 1000
"""Tasks that one transaction may begin: what EFS writes well within the five seconds that it may be
open. A wake-up goes on at once."""
FIRST_PAGE = 50
"""Ready tasks that are looked at first: mostly few slots are free, and nothing holds tasks back."""
PAGE = 500
MAX_PAGES = 40


def fill_run_slots(work: Work, dag_id: str) -> None:
    """Let waiting runs in while the DAG has free slots, the earliest first. A paused DAG lets in
    only those that the clock did not make."""
    dag = dags.find(work.tx, dag_id)
    if dag is None or dag.is_removed:
        return
    free = dag.max_active_runs - run_slots.admitted_count(work.tx, dag_id)
    if free <= 0:
        return
    horizon = work.now + MAKE_AHEAD
    for run in run_slots.waiting(
        work.tx, dag_id, horizon, only_asked_for=dag.is_paused, limit=free
    ):
        with work.apart("a run that waits for a slot", **run.ids()):
            _let_in(work, run)


def _let_in(work: Work, run: Run) -> None:
    limit = work.definition(run.version_id).dagrun_timeout
    begins = max(work.now, run.not_before)
    timeout_at = begins + timedelta(seconds=limit) if limit is not None else None
    run_slots.take_slot(work.tx, run, timeout_at, work.now)
    work.outbox.wake_after(timeout_at)
    work.touch(run.run_id)


def fill_task_slots(work: Work) -> None:
    """Begin ready tasks where slots are free, in the DAGs and pools in which something changed."""
    slots, tx = _Slots(work), work.tx
    for dag_id in sorted(work.task_slots):
        ready = partial(task_slots.ready_in_dag, tx, dag_id)
        _fill(work, slots, ready, partial(slots.is_full_dag, dag_id))
    for pool in sorted(work.pools):
        ready = partial(task_slots.ready_in_pool, tx, pool)
        _fill(work, slots, ready, partial(slots.is_full_pool, pool))
    work.task_slots.clear()
    work.pools.clear()


def _fill(
    work: Work,
    slots: _Slots,
    ready: Callable[[Place, Full, int], list[TaskInstance]],
    is_full: Callable[[], bool],
) -> None:
    """Go through the ready tasks in order. Those that one limit holds back do not hold back those
    behind them."""
    behind = Place()
    for size in (FIRST_PAGE, *repeat(PAGE, MAX_PAGES)):
        if is_full():
            return
        page = ready(behind, slots.full(), size)
        for task in page:
            if work.begun >= MAX_BEGUN:
                work.outbox.wake(work.now)
                return
            if slots.has_room_for(task):
                _begin(work, task, slots)
                work.begun += 1
        if len(page) < size:
            return
        behind = Place(page[-1].priority, page[-1].key)


class _Slots:
    """How many slots are left, counted once per transaction and then kept."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._dags: dict[str, int] = {}
        self._pools: dict[str, int | None] = {}
        self._sizes: dict[str, int | None] = {}
        self._tasks: Counter[tuple[int, str]] = Counter()

    def has_room_for(self, task: TaskInstance) -> bool:
        return (
            not self.is_full_dag(task.attempt.dag_id)
            and self._has_pool(task)
            and self._has_task(task)
        )

    def is_full_dag(self, dag_id: str) -> bool:
        """Whether none of the DAG's tasks can begin now."""
        if dag_id not in self._dags:
            dag = dags.find(self._work.tx, dag_id)
            limit = dag.max_active_tasks if dag else 0
            self._dags[dag_id] = limit - task_slots.in_flight_count(self._work.tx, dag_id)
        return self._dags[dag_id] <= 0

    def is_full_pool(self, pool: str) -> bool:
        """The same of the pool's. One that never has a slot is not full: its tasks are told so."""
        free = self._free(pool)
        return free is not None and free <= 0 and bool(self._size(pool))

    def full(self) -> Full:
        """Those of which this is known."""
        return Full(
            [dag_id for dag_id in self._dags if self.is_full_dag(dag_id)],
            [pool for pool in self._pools if self.is_full_pool(pool)],
        )

    def take(self, task: TaskInstance) -> None:
        self._dags[task.attempt.dag_id] -= 1
        if task.pool is not None:
            self._pools[task.pool] = (self._pools[task.pool] or 0) - task.pool_slots
        self._tasks[task.run_key, task.task_id] += 1

    def _free(self, pool: str) -> int | None:
        if pool not in self._pools:
            self._pools[pool] = pools.free_slots(self._work.tx, pool)
        return self._pools[pool]

    def _size(self, pool: str) -> int | None:
        if pool not in self._sizes:
            self._sizes[pool] = pools.size(self._work.tx, pool)
        return self._sizes[pool]

    def _has_pool(self, task: TaskInstance) -> bool:
        if task.pool is None:
            return True
        free = self._free(task.pool)
        if free is not None and free >= task.pool_slots:
            return True
        if reason := self._why_never(task.pool, task.pool_slots):
            task_instances.explain(self._work.tx, task.key, reason)
        return False

    def _why_never(self, pool: str, wanted: int) -> str:
        """What people must do before a task can have its slots; empty where it only has to wait."""
        size = self._size(pool)
        if size is None:
            return f"waits: there is no pool {pool!r}; make it with PUT /api/pools/{pool}"
        if size < wanted:
            return (
                f"waits: it takes {wanted} of pool {pool!r}, which has {size}; change one of them"
            )
        return ""

    def _has_task(self, task: TaskInstance) -> bool:
        limit = _task_limit(self._work, task)
        if limit is None:
            return True
        key = (task.run_key, task.task_id)
        if key not in self._tasks:
            self._tasks[key] = task_slots.in_flight_of_task(self._work.tx, *key)
        return self._tasks[key] < limit


def _task_limit(work: Work, task: TaskInstance) -> int | None:
    if task.attempt.map_index < 0:
        return None
    run = work.run_of(task)
    return work.definition(run.version_id).task(task.task_id).max_active_tis_per_dagrun


def _begin(work: Work, task: TaskInstance, slots: _Slots) -> None:
    run = work.run_of(task)
    definition = work.definition(run.version_id).task(task.task_id)
    if definition.trigger_dag_id is not None:
        if (moment := _begins(work, run, task)) > work.now:
            work.outbox.wake_after(moment)  # no executor waits for the exact second
            return
        slots.take(task)  # it may wait for the other run, and holds its slot as long
        triggering.start(work, run, task)
        return
    try:
        queue_attempt(work, run, task)
    except TemplateError as error:
        ended = End("failed", work.now, reason=str(error))
        target = TaskState.FAILED
        task_instances.end_unstarted(work.tx, task.key, target, ended.reason, work.now)
        notices.of_task(work, definition, run, task, ended, target)
        work.touch(run.run_id)
        return
    slots.take(task)


def _begins(work: Work, run: Run, task: TaskInstance) -> datetime:
    return max(work.now, run.not_before, task.not_before or run.not_before)


def queue_attempt(work: Work, run: Run, task: TaskInstance) -> None:
    """Begin the next attempt: its message leaves after the commit, and again if nothing is heard.
    Raises TemplateError if the command cannot be made."""
    not_before = _begins(work, run, task)
    attempt = next_attempt(task)
    dag = work.definition(run.version_id)
    message = task_message(work, dag, run, task, attempt, not_before)
    due_at = resend_at(not_before, 0, work.scheduler.settings.resend_seconds)
    if attempts.queue(work.tx, task.key, run.version, work.now, not_before, due_at):
        work.outbox.task(message, not_before)


def next_attempt(task: TaskInstance) -> Attempt:
    """Its name: a sensor that is asked again stays in the same attempt."""
    now = task.attempt
    number = now.try_number if now.poke else now.try_number + 1
    return Attempt(now.dag_id, now.run_id, now.task_id, now.map_index, number, now.poke)


def resend_at(not_before: datetime, sends: int, resend_seconds: float) -> datetime:
    """When to send a message again that was sent `sends` times more than once; doubling, up to 15
    minutes, because a long queue looks like a lost message and must not be made longer for ever."""
    return not_before + timedelta(seconds=min(resend_seconds * 2.0 ** min(sends, 10), 900))
