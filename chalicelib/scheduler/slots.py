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

from chalicelib.dag.states import TaskState
from chalicelib.dag.template_terms import TemplateError
from chalicelib.database import attempts, dags, pools, run_slots, task_instances
from chalicelib.database.runs import Run
from chalicelib.database.task_instances import End, TaskInstance
from chalicelib.messages import Attempt
from chalicelib.scheduler import notices, triggering
from chalicelib.scheduler.context import MAKE_AHEAD, Work
from chalicelib.scheduler.environment import task_message

log = logging.getLogger("orchestrator.scheduler")

MAX_BEGUN = 1000
"""Tasks that one transaction may begin: what EFS writes well within the five seconds that it may be
open. A wake-up goes on at once."""
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
        limit = work.definition(run.version_id).dagrun_timeout
        begins = max(work.now, run.not_before)
        timeout_at = begins + timedelta(seconds=limit) if limit is not None else None
        run_slots.take_slot(work.tx, run, timeout_at, work.now)
        work.outbox.wake_after(timeout_at)
        work.touch(run.run_id)


def fill_task_slots(work: Work) -> None:
    """Begin ready tasks where slots are free, in the DAGs and pools in which something changed."""
    counter = _Slots(work)
    for dag_id in sorted(work.task_slots):
        _fill(work, counter, partial(task_instances.scheduled, work.tx, dag_id))
    for pool in sorted(work.pools):
        _fill(work, counter, partial(task_instances.scheduled_in_pool, work.tx, pool))
    work.task_slots.clear()
    work.pools.clear()


def _fill(work: Work, counter: _Slots, ready: Callable[[int, int], list[TaskInstance]]) -> None:
    """Go through the ready tasks in order. Those that one limit holds back do not hold back those
    behind them."""
    held_back = 0
    for _ in range(MAX_PAGES):
        page = ready(PAGE, held_back)
        for task in page:
            if work.begun >= MAX_BEGUN:
                work.outbox.wake(work.now)
                return
            if counter.has_room_for(task):
                _begin(work, task, counter)
                work.begun += 1
            else:
                held_back += 1
        if len(page) < PAGE or not counter.has_any(page[-1].attempt.dag_id):
            return


class _Slots:
    """How many slots are left, counted once per transaction and then kept."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._dags: dict[str, int] = {}
        self._pools: dict[str, int | None] = {}
        self._sizes: dict[str, int | None] = {}
        self._tasks: Counter[tuple[int, str]] = Counter()

    def has_room_for(self, task: TaskInstance) -> bool:
        return self._dag(task) > 0 and self._has_pool(task) and self._has_task(task)

    def has_any(self, dag_id: str) -> bool:
        """Whether the DAG has a slot left."""
        return self._dags.get(dag_id, 1) > 0

    def take(self, task: TaskInstance) -> None:
        self._dags[task.attempt.dag_id] -= 1
        if task.pool is not None:
            self._pools[task.pool] = (self._pools[task.pool] or 0) - task.pool_slots
        self._tasks[task.run_key, task.task_id] += 1

    def _dag(self, task: TaskInstance) -> int:
        dag_id = task.attempt.dag_id
        if dag_id not in self._dags:
            dag = dags.find(self._work.tx, dag_id)
            limit = dag.max_active_tasks if dag else 0
            self._dags[dag_id] = limit - task_instances.in_flight_count(self._work.tx, dag_id)
        return self._dags[dag_id]

    def _has_pool(self, task: TaskInstance) -> bool:
        if task.pool is None:
            return True
        if task.pool not in self._pools:
            self._pools[task.pool] = pools.free_slots(self._work.tx, task.pool)
        free = self._pools[task.pool]
        if free is not None and free >= task.pool_slots:
            return True
        if reason := self._why_never(task.pool, task.pool_slots):
            task_instances.explain(self._work.tx, task.key, reason)
        return False

    def _why_never(self, pool: str, wanted: int) -> str:
        """What people must do before a task can have its slots; empty where it only has to wait."""
        if pool not in self._sizes:
            self._sizes[pool] = pools.size(self._work.tx, pool)
        size = self._sizes[pool]
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
            self._tasks[key] = task_instances.in_flight_of_task(self._work.tx, *key)
        return self._tasks[key] < limit


def _task_limit(work: Work, task: TaskInstance) -> int | None:
    if task.attempt.map_index < 0:
        return None
    run = work.run_of(task)
    return work.definition(run.version_id).task(task.task_id).max_active_tis_per_dagrun


def _begin(work: Work, task: TaskInstance, counter: _Slots) -> None:
    run = work.run_of(task)
    definition = work.definition(run.version_id).task(task.task_id)
    if definition.trigger_dag_id is not None:
        if (moment := _begins(work, run, task)) > work.now:
            work.outbox.wake_after(moment)  # no executor waits for the exact second
            return
        counter.take(task)  # it may wait for the other run, and holds its slot as long
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
    counter.take(task)


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
    if attempts.queue(work.tx, task.key, work.now, not_before, due_at):
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
