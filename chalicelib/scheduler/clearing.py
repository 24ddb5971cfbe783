"""Letting tasks run again. Their attempts stay in the history; the count for `retries` begins
anew."""

from __future__ import annotations

from collections.abc import Sequence, Set

from chalicelib.dag.expand import is_made_from
from chalicelib.dag.graph import ancestors
from chalicelib.dag.model import Dag
from chalicelib.dag.states import IN_FLIGHT, TaskState
from chalicelib.database import expansion, outputs, runs, task_instances
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
    found = [task for task in found if task.state is not TaskState.NONE]
    chosen = {task.task_id for task in found if not only_failed or task.state in UNDONE}
    anew = _made_anew(dag, chosen)
    cleared = [
        task for task in found if not only_failed or task.state in UNDONE or task.task_id in anew
    ]
    busy = [task.task_id for task in cleared if task.state in BUSY]
    if busy:
        raise Conflict(
            f"task {busy[0]!r} of run {run.run_id!r} is being worked on; cancel it first, or wait"
        )
    return cleared


def _made_anew(dag: Dag, cleared: Set[str]) -> set[str]:
    """The cleared tasks whose copies may be others, because what they are made for may be."""
    return {task_id for task_id in cleared if is_made_from(dag.task(task_id), cleared)}


def _with_downstream(dag: Dag, task_ids: Sequence[str]) -> list[str]:
    dependencies = {task.id: task.dependencies for task in dag.tasks}
    wanted = set(task_ids)
    return [
        task.id
        for task in dag.tasks
        if task.id in wanted or wanted & ancestors(dependencies, task.id)
    ]


def clear(work: Work, run: Run, chosen: Sequence[TaskInstance]) -> None:
    """Set them back to `none`."""
    dag = work.definition(run.version_id)
    anew = _made_anew(dag, {task.task_id for task in chosen})
    for task in chosen:
        task_instances.set_by_hand(work.tx, task.key, TaskState.NONE, "", None)
    outputs.remove(work.tx, [task.key for task in chosen])
    for task_id in sorted(anew):
        copies = [task for task in chosen if task.task_id == task_id]
        expansion.begin_anew(work.tx, copies[0], max(copy.try_number for copy in copies))
    reopen(work, run)


def unblock(work: Work, run: Run, task_id: str) -> None:
    """The task has not failed after all: what is behind it and could not run is decided again."""
    behind = set(_with_downstream(work.definition(run.version_id), [task_id])) - {task_id}
    for task in task_instances.of_run(work.tx, run.key, sorted(behind)):
        if task.state is TaskState.UPSTREAM_FAILED:
            task_instances.set_by_hand(work.tx, task.key, TaskState.NONE, "", None)


def reopen(work: Work, run: Run) -> None:
    """Let the run go on; if it had ended, it waits for a slot again."""
    if not run.is_active:
        runs.reopen(work.tx, run.key, work.now)
        work.run_slots.add(run.dag_id)
    work.touch(run.run_id)


def clear_all(work: Work, run: Run) -> None:
    """Every task of a run that has ended."""
    clear(work, run, select(work, run, None, only_failed=False, downstream=False))
