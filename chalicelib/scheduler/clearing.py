"""Letting tasks run again. Their attempts stay in the history; the count for `retries` begins
anew."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.dag.graph import ancestors
from chalicelib.dag.model import Dag
from chalicelib.dag.states import IN_FLIGHT, TaskState
from chalicelib.database import expansion, runs, task_instances
from chalicelib.database.runs import Run
from chalicelib.database.task_instances import TaskInstance
from chalicelib.errors import Conflict
from chalicelib.scheduler.context import Work

BUSY = IN_FLIGHT | {TaskState.SCHEDULED}
UNDONE = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED})


def select(
    work: Work, run: Run, task_ids: Sequence[str] | None, *, only_failed: bool, downstream: bool
) -> list[TaskInstance]:
    """What would be cleared. Raises Conflict if some of it is being worked on."""
    dag = work.definition(run.version_id)
    wanted = set(_with_downstream(dag, task_ids) if downstream and task_ids else task_ids or [])
    found = task_instances.of_run(work.tx, run.key, sorted(wanted) if wanted else None)
    chosen = [
        task
        for task in found
        if task.state is not TaskState.NONE and (not only_failed or task.state in UNDONE)
    ]
    busy = [task.task_id for task in chosen if task.state in BUSY]
    if busy:
        raise Conflict(
            f"task {busy[0]!r} of run {run.run_id!r} is being worked on; cancel it first, or wait"
        )
    return chosen


def _with_downstream(dag: Dag, task_ids: Sequence[str]) -> list[str]:
    dependencies = {task.id: task.dependencies for task in dag.tasks}
    wanted = set(task_ids)
    return [
        task.id
        for task in dag.tasks
        if task.id in wanted or wanted & ancestors(dependencies, task.id)
    ]


def clear(work: Work, run: Run, chosen: Sequence[TaskInstance]) -> None:
    """Set them back to `none`. The run, if it had ended, waits for a slot again."""
    dag = work.definition(run.version_id)
    dependencies = {task.id: task.dependencies for task in dag.tasks}
    cleared = {task.task_id for task in chosen}
    anew: dict[str, list[TaskInstance]] = {}
    for task in chosen:
        is_copy = bool(dag.task(task.task_id).expand)
        if is_copy and cleared & ancestors(dependencies, task.task_id):
            anew.setdefault(task.task_id, []).append(task)
        else:
            task_instances.set_by_hand(work.tx, task.key, TaskState.NONE, "", None)
    for copies in anew.values():
        _expand_anew(work, copies)
    if not run.is_active:
        runs.reopen(work.tx, run.key)
        work.run_slots.add(run.dag_id)
    work.touch(run.run_id)


def _expand_anew(work: Work, copies: Sequence[TaskInstance]) -> None:
    """What the task is expanded over runs again, so its copies may be others: one row stands for
    all."""
    whole, *others = copies
    for copy in others:
        task_instances.delete(work.tx, copy.key)
    task_instances.set_by_hand(work.tx, whole.key, TaskState.NONE, "", None)
    expansion.reset(work.tx, whole.key, max(copy.try_number for copy in copies))


def clear_all(work: Work, run: Run) -> None:
    """Every task of a run that has ended."""
    clear(work, run, select(work, run, None, only_failed=False, downstream=False))
