"""Clears tasks so that they run again. Their attempts stay in the history; the count for `retries`
starts again."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from chalicelib.dag.evaluate.expand import mapping_may_differ, uses_outputs_of
from chalicelib.dag.graph import ancestors
from chalicelib.dag.model import Dag
from chalicelib.dag.states import IN_FLIGHT, TaskState
from chalicelib.database.queries import artifacts, outputs, task_instances
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.errors import Conflict, NotFound
from chalicelib.scheduler import run_version
from chalicelib.scheduler.run_version import VersionChoice
from chalicelib.scheduler.unit_of_work import UnitOfWork

BUSY = IN_FLIGHT | {TaskState.SCHEDULED}
UNSUCCESSFUL = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED})


@dataclass(frozen=True, slots=True)
class ClearRequest:
    """Which tasks of a run to clear: `task_ids` (None for all), with their downstream tasks if
    `downstream`; of these only the unsuccessful ones if `only_failed`. `run_on_latest_version` says
    which version the run continues with; None leaves that to the DAG."""

    task_ids: Sequence[str] | None = None
    only_failed: bool = False
    downstream: bool = False
    run_on_latest_version: bool | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was cleared, or would be: (task_id, map_index, previous state) of each task instance;
    the version that the run had, and the one that it continues with."""

    tasks: tuple[tuple[str, int, str], ...]
    run_version: int
    choice: VersionChoice
    is_change: bool


def clear(work: UnitOfWork, run: Run, request: ClearRequest, *, dry_run: bool = False) -> Cleared:
    """Clear the requested tasks; with `dry_run`, undo all of it again. Raises NotFound, or Conflict
    if one of them is queued or running, if a task is no longer in the file, or if the run's params
    do not fit the version."""
    choice = run_version.choose(work, run, request.run_on_latest_version)
    target = work.definition(choice.version_id)
    _check_named(work, run, target, choice.version, request.task_ids or ())
    undone = _unsuccessful_tasks(work, run)
    with work.provisional() as block:
        switched = run_version.switch(work, run, choice)
        selection = _select(work, switched, request, run)
        lost = set() if request.task_ids else undone - run_version.tasks_of(target).keys()
        is_wanted = bool(selection.tasks) or _is_switch_worthwhile(run, choice, request, lost)
        if is_wanted and not dry_run:
            block.keep()
            _clear(work, switched, selection)
    if not block.is_kept:
        work.forget_run(run)
    tasks = tuple((t.task_id, t.attempt.map_index, str(t.state)) for t in selection.tasks)
    return Cleared(tasks, run.version, choice, is_change=is_wanted)


def _unsuccessful_tasks(work: UnitOfWork, run: Run) -> set[str]:
    states = task_instances.states(work.tx, run.key)
    return {task_id for task_id, counts in states.items() if UNSUCCESSFUL & counts.keys()}


def _check_named(
    work: UnitOfWork, run: Run, target: Dag, version: int, task_ids: Sequence[str]
) -> None:
    known = run_version.tasks_of(target)
    for task_id in task_ids:
        if task_id in known:
            continue
        if not task_instances.of_run(work.tx, run.key, [task_id]):
            raise no_such_task(run, task_id)
        has_it = task_id in run_version.tasks_of(run_version.current_definition(work, run))
        where = f"; version {run.version}, which the run uses, still has it: clear with"
        hint = f"{where} run_on_latest_version false" if has_it else ""
        raise Conflict(
            f"task {task_id!r} of run {run.run_id!r} cannot run again: it is no longer in the file"
            f" (version {version}){hint}",
            task_id=task_id,
            version=version,
        )


def _is_switch_worthwhile(
    run: Run, choice: VersionChoice, request: ClearRequest, lost: Set[str]
) -> bool:
    """Whether switching the version alone makes something run, if there is nothing to clear."""
    if choice.version_id == run.version_id:
        return False
    if not request.only_failed:
        return True
    if lost and not choice.changes.added:
        names = ", ".join(sorted(lost)[:5])
        raise Conflict(
            f"what did not succeed in run {run.run_id!r} is no longer in the file (version"
            f" {choice.version}): {names}; clear all tasks, or use run_on_latest_version false",
            version=choice.version,
        )
    return bool(lost)


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is cleared, and the tasks of it whose mapped instances may differ from before."""

    tasks: Sequence[TaskInstance]
    remapped: Set[str]


def _select(work: UnitOfWork, run: Run, request: ClearRequest, before: Run) -> _Selection:
    """Select what to clear, in a run that has already switched its version. Raises Conflict if one
    of the tasks is queued or running."""
    dag = work.definition(run.version_id)
    named, is_all = request.task_ids, not request.only_failed
    wanted = set(_with_downstream(dag, named) if request.downstream and named else named or [])
    rows = task_instances.of_run(work.tx, run.key, sorted(wanted) if wanted else None)
    rows = [row for row in rows if row.state is not TaskState.NONE]
    current = [row for row in rows if not row.is_removed]
    selected = {row.task_id for row in current if is_all or row.state in UNSUCCESSFUL}
    remapped = _tasks_to_remap(work, dag, run, before, selected, current)
    cleared = [
        row for row in current if is_all or row.state in UNSUCCESSFUL or row.task_id in remapped
    ]
    removed = [row for row in rows if row.is_removed and row.task_id in selected]
    for row in (*cleared, *removed):
        if row.state in (IN_FLIGHT if row.is_removed else BUSY):
            raise Conflict(
                f"task {row.task_id!r} of run {run.run_id!r} is {row.state}; cancel it first, or"
                " wait until it has ended"
            )
    return _Selection(cleared, remapped)


def _tasks_to_remap(
    work: UnitOfWork,
    dag: Dag,
    run: Run,
    before: Run,
    selected: Set[str],
    rows: Sequence[TaskInstance],
) -> set[str]:
    """Return the cleared tasks whose mapped instances may change: their list is an output of a
    cleared task, or the new version maps them differently."""
    earlier = run_version.tasks_of(run_version.current_definition(work, before))
    params_differ = run.params != before.params
    unfit = {
        row.task_id for row in rows if not run_version.matches_task(row, dag.task(row.task_id))
    }
    remapped = set()
    for task_id in selected:
        task = dag.task(task_id)
        is_other = mapping_may_differ(earlier.get(task_id, task), task, params_differ=params_differ)
        if task_id in unfit or is_other or uses_outputs_of(task, selected):
            remapped.add(task_id)
    return remapped


def _with_downstream(dag: Dag, task_ids: Sequence[str]) -> list[str]:
    dependencies = {task.id: task.dependencies for task in dag.tasks}
    wanted = set(task_ids)
    return [
        task.id
        for task in dag.tasks
        if task.id in wanted or wanted & ancestors(dependencies, task.id)
    ]


def _clear(work: UnitOfWork, run: Run, selection: _Selection) -> None:
    """Reset the selected tasks to `none`."""
    dag = work.definition(run.version_id)
    for row in selection.tasks:
        task_instances.set_by_hand(work.tx, row.key, TaskState.NONE, "", None)
        task_instances.follow(work.tx, row, dag.task(row.task_id))
    keys = [row.key for row in selection.tasks]
    outputs.remove(work.tx, keys)
    artifacts.remove(work.tx, keys)
    for task_id in sorted(selection.remapped):
        run_version.reset_instances(work, run, dag.task(task_id))
    reopen(work, run)


def unblock(work: UnitOfWork, run: Run, task_id: str) -> None:
    """Decide again about the downstream tasks that the failure of this task had blocked."""
    downstream = set(_with_downstream(work.definition(run.version_id), [task_id])) - {task_id}
    for task in task_instances.of_run(work.tx, run.key, sorted(downstream)):
        if task.state is TaskState.UPSTREAM_FAILED and not task.is_removed:
            task_instances.set_by_hand(work.tx, task.key, TaskState.NONE, "", None)


def reopen(work: UnitOfWork, run: Run) -> None:
    """Let the run continue. If it had ended, it waits for a slot again."""
    if not run.is_active:
        work.reopen_run(run)
    work.mark_changed(run.run_id)


def no_such_task(run: Run, task_id: str) -> NotFound:
    """Return the error for a task that the run does not have."""
    return NotFound(f"run {run.run_id!r} has no task {task_id!r}; GET /api/runs/{run.run_id}")
