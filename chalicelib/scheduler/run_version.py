"""Which version of its DAG a run goes on with when some of it runs again, and the move to it.

What has ended stands, and what is in flight goes on, both as the version said that it was begun
with; all else is decided anew by the new version. Tasks that the new version has not are deleted if
they never ran, else they stay as history: they decide nothing any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.dag.evaluate.expand import is_compatible, mapping_may_differ
from chalicelib.dag.evaluate.params import ParamError, keep_declared, resolve_params
from chalicelib.dag.model import Dag, Task
from chalicelib.dag.states import IN_FLIGHT, TASK_ENDED, TaskState
from chalicelib.dag.version_diff import VersionDiff, compare
from chalicelib.database.queries import dags, definitions, mapped_instances, runs, task_instances
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.errors import Conflict
from chalicelib.scheduler.task_messages import run_context
from chalicelib.scheduler.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """The version to go on with, by key and number. `latest` is that of the file as it is now, None
    if the file is gone, and `is_broken` says that the file has changed since and cannot be read;
    `changes` leads from the run's version to the latest."""

    version_id: int
    version: int
    is_latest: bool
    latest: int | None
    is_broken: bool
    changes: VersionDiff


def choose(work: UnitOfWork, run: Run, wanted: bool | None) -> VersionChoice:
    """The latest version or the run's own, as `wanted`, else as the DAG says. Raises Conflict where
    there is no latest one."""
    dag = dags.find(work.tx, run.dag_id)
    if dag is None or dag.is_removed:
        if wanted:
            raise Conflict(
                f"DAG {run.dag_id!r} has no latest version, for its file was removed; upload it"
                " again, or ask with run_on_latest_version false"
            )
        own = run.version_id, run.version
        return VersionChoice(*own, False, None, is_broken=False, changes=VersionDiff())
    latest = work.definition(dag.version_id)
    before = current_definition(work, run)
    is_latest = latest.rerun_with_latest_version if wanted is None else wanted
    number = definitions.number_of(work.tx, dag.version_id)
    return VersionChoice(
        *((dag.version_id, number) if is_latest else (run.version_id, run.version)),
        is_latest=is_latest,
        latest=number,
        is_broken=dags.has_import_error(work.tx, run.dag_id),
        changes=compare(before, latest) if before else VersionDiff(),
    )


def current_definition(work: UnitOfWork, run: Run) -> Dag | None:
    """The DAG as the run's own version says; None where that cannot be read: then another version
    is what helps the run."""
    try:
        return work.definition(run.version_id)
    except Exception as error:
        work.record_error(error, "the version of a run", **run.ids())
        return None


def tasks_of(dag: Dag | None) -> dict[str, Task]:
    """Its tasks by their ids."""
    return {task.id: task for task in dag.tasks} if dag else {}


def switch(work: UnitOfWork, run: Run, choice: VersionChoice) -> Run:
    """Let the run go on with that version; answers the run as it is then. Raises Conflict where its
    params do not do."""
    if choice.version_id == run.version_id:
        return run
    old, new = current_definition(work, run), work.definition(choice.version_id)
    params = _params(run, new, choice.version)
    runs.take_version(work.tx, run.key, choice.version_id, params, new.dagrun_timeout)
    mapped_instances.decide_anew(work.tx, run.key)
    _InstanceUpdate(work, run, choice.version).fit(old, new, params_differ=params != run.params)
    work.forget_run(run)
    moved = work.run(run.run_id)
    assert moved is not None
    return moved


def _params(run: Run, new: Dag, version: int) -> dict[str, Any]:
    given = keep_declared(new, run.params)
    try:
        return resolve_params(new, given, run_context(new, run.run_id, run))
    except ParamError as error:
        raise Conflict(
            f"run {run.run_id!r} cannot go on with version {version} of its DAG: {error.message};"
            " make a new run with these params, or ask with run_on_latest_version false",
            **error.details,
        ) from None


_WAITS = frozenset(TaskState) - TASK_ENDED - IN_FLIGHT


class _InstanceUpdate:
    """The task instances of a run that takes another version."""

    def __init__(self, work: UnitOfWork, run: Run, version: int) -> None:
        self._work, self._run, self._version = work, run, version
        self._current: defaultdict[str, list[TaskInstance]] = defaultdict(list)
        self._removed: defaultdict[str, list[TaskInstance]] = defaultdict(list)
        for row in task_instances.of_run(work.tx, run.key):
            (self._removed if row.is_removed else self._current)[row.task_id].append(row)

    def fit(self, old: Dag | None, new: Dag, *, params_differ: bool) -> None:
        """Make them those of the new version."""
        before, after = tasks_of(old), tasks_of(new)
        gone = [row.key for name in self._current.keys() - after for row in self._current[name]]
        reason = f"version {self._version} of the DAG has no such task"
        mapped_instances.retire(self._work.tx, gone, reason, self._work.now)
        for task in new.tasks:
            rows = self._current[task.id]
            if not rows:
                self._add(task)
            else:
                earlier = before.get(task.id, task)
                is_other = mapping_may_differ(earlier, task, params_differ=params_differ)
                self._fit(task, rows, is_other=is_other)

    def _add(self, task: Task) -> None:
        """A new task; or one that an earlier version of the run had, which stands as it stood."""
        back = [row for row in self._removed[task.id] if matches_task(row, task)]
        if not back:
            mapped_instances.begin_anew(self._work.tx, self._run.key, self._run.dag_id, task)
            return
        mapped_instances.revive(self._work.tx, [row.key for row in back])
        for row in back:
            task_instances.follow(self._work.tx, row, task)

    def _fit(self, task: Task, rows: Sequence[TaskInstance], *, is_other: bool) -> None:
        tx = self._work.tx
        unfit = [row for row in rows if not matches_task(row, task)]
        wanted = {TaskState.NONE} if is_other and not unfit else _WAITS if unfit else set()
        if all(row.state in wanted for row in rows):
            reset_instances(self._work, self._run, task)
            return
        reason = f"version {self._version} of the DAG expands the task in another way"
        for row in unfit:
            if row.state in _WAITS:
                task_instances.end_unstarted(tx, row.key, TaskState.FAILED, reason, self._work.now)
        for row in rows:
            task_instances.follow(tx, row, task)


def reset_instances(work: UnitOfWork, run: Run, task: Task) -> None:
    """Let a task that nobody works on begin anew, expanded or not, as its definition is now."""
    rows = task_instances.of_run(work.tx, run.key, [task.id])
    rows = [row for row in rows if not row.is_removed]
    tries = max(row.try_number for row in rows)
    mapped_instances.begin_anew(work.tx, run.key, run.dag_id, task, tries)
    for row in rows:
        task_instances.follow(work.tx, row, task)
    if not task.expand:
        copies = [row.key for row in rows if row.attempt.map_index >= 0]
        mapped_instances.retire(work.tx, copies, "the task is not expanded any more", work.now)


def matches_task(row: TaskInstance, task: Task) -> bool:
    """Whether the row, made by another version, is one that the task has in this one."""
    if row.mapped_count is not None:
        return bool(task.expand)
    return is_compatible(task, row.attempt.map_index, row.item)
