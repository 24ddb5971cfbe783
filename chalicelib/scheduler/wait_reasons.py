"""Why runs and tasks wait: what has to change before they continue.

Read-only. The same functions that decide are asked, with the database as it is now, so that the
answer cannot differ from what the scheduler does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from chalicelib.dag.model import Task
from chalicelib.dag.states import TaskState
from chalicelib.database import Transaction
from chalicelib.database.connection.transaction import DOOMS_TRANSACTION
from chalicelib.database.queries import (
    dags,
    run_slots,
    stop_requests,
    task_instances,
    triggered_runs,
    workers,
)
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.database.reads.wait_reasons import Holder, WaitingFor
from chalicelib.enums import PlaceKind, WaitingCode
from chalicelib.scheduler import progress
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.dispatch import start_time
from chalicelib.scheduler.free_slots import FreeSlots, free_run_slots
from chalicelib.scheduler.outbox import Outbox
from chalicelib.scheduler.slot_queues import (
    MAX_HOLDERS,
    SlotQueues,
    label,
    listed,
    notify_run,
    notify_task,
)
from chalicelib.scheduler.unit_of_work import LEAD_TIME, UnitOfWork
from chalicelib.utils.time import iso

log = logging.getLogger("orchestrator.scheduler")

WORKER_SILENCE = timedelta(minutes=3)
"""A worker that has not been heard of for so long does not count as one; it reports every 40 s."""

FIRST_TASKS = 3
"""How many tasks of a run in which nothing runs are explained."""

Thing = TypeVar("Thing", Run, TaskInstance)
Reasons = tuple[WaitingFor, ...]
Name = tuple[str, str, int]
"""run_id, task_id, map_index."""

_SOON = WaitingFor(WaitingCode.SCHEDULER, "will be picked up by the scheduler within seconds")
_ACTIVE_STATES = (
    TaskState.RUNNING,
    TaskState.QUEUED,
    TaskState.UP_FOR_RETRY,
    TaskState.UP_FOR_RESCHEDULE,
    TaskState.SCHEDULED,
    TaskState.NONE,
)
"""Which state represents several active instances of a task, in order of preference."""


class Explainer:
    """Explains for one read transaction. What several explanations need is read once."""

    def __init__(self, scheduler: SchedulerContext, tx: Transaction) -> None:
        now = scheduler.now()
        self._work = UnitOfWork(tx, scheduler, Outbox(now), now)
        self._slots = FreeSlots(self._work)
        self._queues = SlotQueues(self._work)
        self._states: dict[int, progress.States] = {}
        self._of_runs: dict[str, Reasons] = {}

    def run(self, run_id: str) -> Reasons:
        """Return what keeps a run from continuing; nothing if it has ended or a task is running."""
        if run_id not in self._of_runs:
            run = self._work.run(run_id)
            reasons = _explain(self._run, run) if run and run.is_active else ()
            self._of_runs[run_id] = reasons
        return self._of_runs[run_id]

    def tasks(self, names: Iterable[Name]) -> dict[Name, Reasons]:
        """Return what keeps each of these task instances from continuing; nothing for one that has
        ended or is running."""
        tasks = task_instances.find_all(self._work.tx, names)
        return {
            (task.attempt.run_id, task.task_id, task.attempt.map_index): self._task(task)
            for task in tasks
        }

    def _run(self, run: Run) -> Iterator[WaitingFor]:
        if not run.is_admitted:
            yield from list(self._before_admission(run)) or [_SOON]
            return
        in_flight = task_instances.in_flight_of_run(self._work.tx, run.key)
        if run.stopping is not None:
            yield self._stopping(in_flight) if in_flight else _SOON
            return
        running = [task for task in in_flight if task.state is TaskState.RUNNING]
        if all(self._task(task) for task in running):
            others = task_instances.to_begin(self._work.tx, run.key, FIRST_TASKS)
            next_ones = [task for task in others if task.state is not TaskState.NONE]
            yield from self._of_tasks((running + next_ones or others)[:FIRST_TASKS])

    def _before_admission(self, run: Run) -> Iterator[WaitingFor]:
        dag = dags.find(self._work.tx, run.dag_id)
        if dag is None or dag.is_removed:
            what = f"waits to be cancelled: the file of DAG {run.dag_id} was removed"
            yield WaitingFor(WaitingCode.DAG_REMOVED, what)
            return
        horizon = self._work.now + LEAD_TIME
        if not run_slots.is_in_line(self._work.tx, run, horizon, only_asked_for=False):
            yield WaitingFor(
                WaitingCode.NOT_BEFORE, f"waits until {iso(run.not_before)}", run.not_before
            )
        elif dag.is_paused and not run_slots.is_in_line(
            self._work.tx, run, horizon, only_asked_for=True
        ):
            what = f"waits until DAG {dag.dag_id} is un-paused: PATCH /api/dags/{dag.dag_id}"
            yield WaitingFor(WaitingCode.PAUSED, what)
        if free_run_slots(self._work, dag) <= 0:
            yield self._queues.for_run(dag, run)

    def _of_tasks(self, tasks: Iterable[TaskInstance]) -> Iterator[WaitingFor]:
        messages: set[str] = set()
        for task in tasks:
            for reason in self._task(task):
                if reason.message not in messages:
                    messages.add(reason.message)
                    yield _of_task(task, reason)

    def _stopping(self, in_flight: list[TaskInstance]) -> WaitingFor:
        holders = tuple(map(notify_task, in_flight[:MAX_HOLDERS]))
        names = listed([label(holder) for holder in holders], len(in_flight))
        what = f"is being stopped: waits for the end of {names}"
        return WaitingFor(WaitingCode.STOPPING, what, holders=holders, holder_count=len(in_flight))

    def _task(self, task: TaskInstance) -> Reasons:
        explain = _BY_STATE.get(task.state)
        if explain is None or not self._work.run_of(task).is_active:
            return ()
        return _explain(partial(explain, self), task)

    def _none(self, task: TaskInstance) -> Iterator[WaitingFor]:
        run = self._work.run_of(task)
        if not run.is_admitted:
            why = "; ".join(reason.message for reason in self.run(run.run_id))
            what = f"waits for its run to start, which {why}"
            yield WaitingFor(
                WaitingCode.RUN_NOT_STARTED, what, holders=(notify_run(run),), holder_count=1
            )
            return
        definition = self._work.definition(run.version_id).task(task.task_id)
        states = self._states_of(run)
        target, _ = progress.decision(self._work, run, definition, states)
        if target is not TaskState.NONE:
            yield _expanding(task) if task.mapped_count else _SOON
        elif held_up := self._work.waiting_on_previous_run.get((run.run_id, task.task_id)):
            yield self._check_previous_run(definition, held_up[1])
        else:
            yield _upstream(run, definition, states)

    def _states_of(self, run: Run) -> progress.States:
        if run.key not in self._states:
            self._states[run.key] = task_instances.states(self._work.tx, run.key)
        return self._states[run.key]

    def _check_previous_run(self, definition: Task, previous: str) -> WaitingFor:
        run = self._work.run(previous)
        assert run is not None
        past = task_instances.states_of_task(self._work.tx, run.key, definition.id)
        state = _representative_state(past)
        holder = Holder(run.dag_id, previous, definition.id, None, state)
        what = (
            f"waits until it has succeeded in the previous run, {previous} ({_word(state)} there)"
        )
        return WaitingFor(WaitingCode.DEPENDS_ON_PAST, what, holders=(holder,), holder_count=1)

    def _scheduled(self, task: TaskInstance) -> Iterator[WaitingFor]:
        reasons = [self._queues.for_task(task, limit) for limit in self._slots.obstacles(task)]
        yield from reasons or [self._soon(task)]

    def _soon(self, task: TaskInstance) -> WaitingFor:
        """Explain a task that no limit holds back. One that triggers a run still waits for its
        time."""
        time = start_time(self._work, self._work.run_of(task), task)
        if time > self._work.now:
            return WaitingFor(WaitingCode.NOT_BEFORE, f"waits until {iso(time)}", time)
        return _SOON

    def _queued(self, task: TaskInstance) -> Iterator[WaitingFor]:
        if stop_requests.is_asked_for(self._work.tx, task.attempt):
            yield WaitingFor(WaitingCode.STOPPING, "waits for confirmation that it never starts")
        elif task.not_before is not None and task.not_before > self._work.now:
            what = f"waits until {iso(task.not_before)}"
            yield WaitingFor(WaitingCode.NOT_BEFORE, what, task.not_before)
        else:
            often = f", {task.sends} times so far" if task.sends > 1 else ""
            again = f"; sent again at {iso(task.due_at)}" if task.due_at else ""
            sent = f"its message was sent at {iso(task.queued_at)}{often}{again}"
            yield self._at_its_place(task, sent) or WaitingFor(
                WaitingCode.EXECUTOR, f"waits for an executor: {sent}", since=task.queued_at
            )

    def _at_its_place(self, task: TaskInstance, sent: str) -> WaitingFor | None:
        """Explain a task that starts slowly where it runs, or never as things are."""
        run = self._work.run_of(task)
        definition = self._work.definition_of(task, run).task(task.task_id)
        place = self._work.scheduler.places.find(definition.place)
        if place is not None and place.kind is PlaceKind.FARGATE and task.queued_at is not None:
            what = (
                f"has been starting on Fargate since {iso(task.queued_at)}; that takes up to a"
                " minute, and longer for a large image or without capacity"
            )
            return WaitingFor(WaitingCode.STARTING, what, since=task.queued_at)
        return self._unserved(task, definition, sent)

    def _unserved(self, task: TaskInstance, definition: Task, sent: str) -> WaitingFor | None:
        """Explain a task whose queue has no worker."""
        queue = definition.needs.queue
        if queue is None or workers.is_served(
            self._work.tx, queue, self._work.now - WORKER_SILENCE
        ):
            return None
        minutes = WORKER_SILENCE.total_seconds() / 60
        what = (
            f"waits for a worker of queue {queue}: none has been seen in the last {minutes:g}"
            f" minutes, so start one with `python -m chalicelib.worker --queue {queue}`; {sent}"
        )
        return WaitingFor(WaitingCode.WORKER, what, since=task.queued_at)

    def _running(self, task: TaskInstance) -> Iterator[WaitingFor]:
        """Explain a running task: only one that triggered a run waits."""
        if task.sends:
            return
        child = triggered_runs.triggered_by(self._work.tx, task.key)
        if child is not None:
            what = f"waits for run {child.run_id} of DAG {child.dag_id} ({child.state})"
            yield WaitingFor(
                WaitingCode.TRIGGERED_RUN, what, holders=(notify_run(child),), holder_count=1
            )

    def _retry(self, task: TaskInstance) -> Iterator[WaitingFor]:
        what = f"waits until {iso(task.due_at)} for its next attempt"
        yield WaitingFor(WaitingCode.RETRY_DELAY, what, task.due_at)

    def _poke(self, task: TaskInstance) -> Iterator[WaitingFor]:
        again = "asked" if task.poke_until is not None else "started"
        what = f"waits until {iso(task.due_at)} to be {again} again"
        yield WaitingFor(WaitingCode.POKE_INTERVAL, what, task.due_at)


_BY_STATE: dict[TaskState, Callable[[Explainer, TaskInstance], Iterator[WaitingFor]]] = {
    TaskState.NONE: Explainer._none,
    TaskState.SCHEDULED: Explainer._scheduled,
    TaskState.QUEUED: Explainer._queued,
    TaskState.RUNNING: Explainer._running,
    TaskState.UP_FOR_RETRY: Explainer._retry,
    TaskState.UP_FOR_RESCHEDULE: Explainer._poke,
}


MAY_WAIT = frozenset(_BY_STATE)
"""The states in which a task instance may wait."""


def _explain(explain: Callable[[Thing], Iterable[WaitingFor]], thing: Thing) -> Reasons:
    """Explain, but not at any price: bad data of one run must not hide the others, nor the rest of
    what is known of it."""
    try:
        return tuple(explain(thing))
    except DOOMS_TRANSACTION:
        raise
    except Exception:
        log.exception("what it waits for cannot be explained", extra=_ids(thing))
        return ()


def _ids(thing: Run | TaskInstance) -> dict[str, Any]:
    return thing.ids() if isinstance(thing, Run) else thing.attempt.ids()


def _of_task(task: TaskInstance, reason: WaitingFor) -> WaitingFor:
    """Return the reason of a task as a reason of its run."""
    index = f"[{task.attempt.map_index}]" if task.attempt.map_index >= 0 else ""
    return replace(reason, message=f"task {task.task_id}{index} {reason.message}")


def _expanding(task: TaskInstance) -> WaitingFor:
    what = f"waits while its mapped instances are created, {task.mapped_count} so far"
    return WaitingFor(WaitingCode.EXPANDING, what)


def _upstream(run: Run, definition: Task, states: progress.States) -> WaitingFor:
    unfinished = [
        (task_id, states[task_id])
        for task_id in definition.dependencies
        if any(states[task_id][state] for state in _ACTIVE_STATES)
    ]
    holders = tuple(
        Holder(run.dag_id, run.run_id, task_id, None, _representative_state(counts))
        for task_id, counts in unfinished[:MAX_HOLDERS]
    )
    names = listed([f"{h.task_id} ({_word(h.state)})" for h in holders], len(unfinished))
    rule = definition.trigger_rule
    by = "" if rule == "all_success" else f" (trigger rule {rule})"
    return WaitingFor(
        WaitingCode.UPSTREAM,
        f"waits for {names}{by}",
        holders=holders,
        holder_count=len(unfinished),
    )


def _representative_state(counts: dict[TaskState, int]) -> TaskState:
    return next((state for state in _ACTIVE_STATES if counts.get(state)), TaskState.NONE)


def _word(state: str) -> str:
    return "not yet started" if state == TaskState.NONE else state.replace("_", " ")
