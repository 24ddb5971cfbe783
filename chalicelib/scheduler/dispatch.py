"""Gives slots to runs and tasks within their limits, in order of priority. Nothing else does.

Schedulers with several entrances (the clock, the API, a backfill) tend to check the limits at some
of them only. Here a run is created without a slot, whoever creates it, and a task becomes ready
without one.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import repeat

from chalicelib.dag.states import TaskState
from chalicelib.database.queries import attempts, dags, run_slots, task_instances, task_slots
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.database.queries.task_slots import Full, Place
from chalicelib.enums import Outcome
from chalicelib.messages import Attempt
from chalicelib.scheduler import forced_end, notifications, sub_dags
from chalicelib.scheduler.free_slots import FreeSlots, free_run_slots
from chalicelib.scheduler.task_messages import Undeliverable, task_message
from chalicelib.scheduler.unit_of_work import IMMEDIATELY, LEAD_TIME, UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

MAX_DISPATCHED = 1000
"""Tasks that one transaction dispatches: what EFS writes well within the five seconds that it may
be open. An immediate wake-up dispatches the rest."""
MAX_TEMPLATES_TO_COMPILE = 200
"""Templates that are compiled between two transactions."""
FIRST_PAGE_SIZE = 50
"""Ready tasks that are read first: usually few slots are free, and no limit holds tasks back."""
PAGE_SIZE = 500
MAX_PAGES = 40
MAX_UNADMITTABLE = 20
"""Waiting runs that cannot be admitted because of an error, and may not block those after them."""


def admit_runs(work: UnitOfWork, dag_id: str) -> None:
    """Admit waiting runs while the DAG has free slots, earliest first. In a paused DAG only runs
    that were not created by the schedule are admitted."""
    dag = dags.find(work.tx, dag_id)
    if dag is None or dag.is_removed:
        return
    free = free_run_slots(work, dag)
    if free <= 0:
        return
    horizon = work.now + LEAD_TIME
    limit = free + MAX_UNADMITTABLE
    line = run_slots.line(work.tx, dag_id, horizon, only_asked_for=dag.is_paused, limit=limit)
    for run in work.runs(line):
        if free <= 0:
            return
        fallback = partial(forced_end.fail_run, work, run)
        with work.isolate("a run that waits for a slot", fallback=fallback, **run.ids()):
            _admit(work, run)
            free -= 1


def _admit(work: UnitOfWork, run: Run) -> None:
    limit = work.definition(run.version_id).dagrun_timeout
    start_time = max(work.now, min(run.not_before, work.now + LEAD_TIME))
    timeout_at = start_time + timedelta(seconds=limit) if limit is not None else None
    take_slot = partial(run_slots.take_slot, work.tx, run, timeout_at, work.now)
    work.change_run(run.key, take_slot, is_admitted=True)
    work.outbox.wake_after(timeout_at)
    work.mark_changed(run.run_id)


def dispatch_tasks(work: UnitOfWork) -> None:
    """Dispatch ready tasks while slots are free, in the DAGs and pools in which something changed:
    by priority, then oldest first, across DAGs."""
    slots, tx = FreeSlots(work), work.tx
    queues = [
        _ready_tasks(slots, partial(task_slots.ready_in_dag, tx, dag_id), slots.is_full_dag, dag_id)
        for dag_id in work.dags_to_dispatch
    ]
    queues += [
        _ready_tasks(slots, partial(task_slots.ready_in_pool, tx, pool), slots.is_full_pool, pool)
        for pool in work.pools_to_dispatch
    ]
    before: TaskInstance | None = None
    for task in heapq.merge(*queues, key=lambda task: (-task.priority, task.key)):
        if (
            work.dispatched >= MAX_DISPATCHED
            or work.tx.is_late()
            or len(work.templates_to_compile) >= MAX_TEMPLATES_TO_COMPILE
        ):
            work.outbox.wake(work.now)
            break
        if (
            before is None or task.key != before.key
        ):  # else in two queues: of its DAG and of its pool
            _dispatch_isolated(work, task, slots)
        before = task
    work.dags_to_dispatch.clear()
    work.pools_to_dispatch.clear()


def _ready_tasks(
    slots: FreeSlots,
    ready: Callable[[Place, Full, int], list[TaskInstance]],
    is_full: Callable[[str], bool],
    of: str,
) -> Iterator[TaskInstance]:
    """Yield the ready tasks of a DAG or a pool in order, as long as it has a free slot. Tasks that
    another limit holds back do not block those after them."""
    after = Place()
    for size in (FIRST_PAGE_SIZE, *repeat(PAGE_SIZE, MAX_PAGES)):
        if is_full(of):
            return
        page = ready(after, slots.full(), size)
        yield from page
        if len(page) < size:
            return
        after = Place(page[-1].priority, page[-1].key)


def _dispatch_isolated(work: UnitOfWork, task: TaskInstance, slots: FreeSlots) -> None:
    """Dispatch the task unless a limit prevents that."""
    is_full_pool = task.pool is not None and slots.is_full_pool(task.pool)
    if is_full_pool or slots.is_full_dag(task.attempt.dag_id):
        return
    fallback = partial(forced_end.fail_task, work, task)
    ids = {"fallback": fallback, "patience": IMMEDIATELY, **task.attempt.ids()}
    with work.isolate("a task that is ready", **ids):
        if obstacle := next(slots.obstacles(task), None):
            if obstacle.remedy:
                task_instances.explain(work.tx, task.key, obstacle.remedy)
            return
        _dispatch(work, task, slots)
        work.dispatched += 1


def _dispatch(work: UnitOfWork, task: TaskInstance, slots: FreeSlots) -> None:
    run = work.run_of(task)
    definition = work.definition(run.version_id).task(task.task_id)
    if definition.trigger_dag_id is not None:
        if (time := start_time(work, run, task)) > work.now:
            work.outbox.wake_after(time)  # no executor waits for the exact second
            return
        slots.take(task)  # held while it waits for the other run
        sub_dags.trigger(work, run, task)
        return
    try:
        queue_attempt(work, run, task)
    except Undeliverable as error:
        ended = End(Outcome.FAILED, work.now, reason=str(error))
        target = TaskState.FAILED
        task_instances.end_unstarted(work.tx, task.key, target, ended.reason, work.now)
        notifications.notify_task(work, definition, run, task, ended, target)
        work.mark_changed(run.run_id)
        return
    slots.take(task)


def start_time(work: UnitOfWork, run: Run, task: TaskInstance) -> datetime:
    """Return when the task may start, at most LEAD_TIME from now. A later time is from before the
    clock was set back."""
    start_time = max(work.now, run.not_before, task.not_before or run.not_before)
    return min(start_time, work.now + LEAD_TIME)


def queue_attempt(work: UnitOfWork, run: Run, task: TaskInstance) -> None:
    """Queue the next attempt. Its message is sent after the commit, and again if no executor
    reports. Raises Undeliverable."""
    not_before = start_time(work, run, task)
    attempt = next_attempt(task)
    dag = work.definition(run.version_id)
    message = task_message(work, dag, run, task, attempt, not_before)
    due_at = resend_at(not_before, 0, work.scheduler.settings.resend_seconds)
    if attempts.queue(work.tx, task, run.version, work.now, not_before, due_at):
        work.outbox.task(message, not_before)


def next_attempt(task: TaskInstance) -> Attempt:
    """Return the next attempt's name. A sensor's further pokes stay in the same attempt."""
    now = task.attempt
    number = now.try_number if now.poke else now.try_number + 1
    return Attempt(now.dag_id, now.run_id, now.task_id, now.map_index, number, now.poke)


LONGEST_RESEND = timedelta(minutes=15)


def resend_at(not_before: datetime, sends: int, resend_seconds: float) -> datetime:
    """Return when to resend a message that has been resent `sends` times. The interval doubles up
    to 15 minutes, because a long queue looks like lost messages and must not grow for ever."""
    wait = timedelta(seconds=resend_seconds * 2.0 ** min(sends, 10))
    return not_before + min(wait, LONGEST_RESEND)
