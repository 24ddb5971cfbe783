"""Which version of its DAG a run continues with when it is cleared, and the switch to it.

What has ended stays, and what is in flight continues, both by the version they started with.
Everything else is decided again by the new version. Tasks that the new version lacks are deleted if
they never ran; else they stay as history and no longer decide anything.
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
    """The version to continue with, by key and number. `latest` is the number of the DAG's latest
    version, None if its file was removed; `is_broken` says that the file has an import error since;
    `changes` is the difference between the run's version and the latest."""

    version_id: int
    version: int
    is_latest: bool
    latest: int | None
    is_broken: bool
    changes: VersionDiff


def choose(work: UnitOfWork, run: Run, wanted: bool | None) -> VersionChoice:
    """Choose the latest version or the run's own, as `wanted`, by default as the DAG says. Raises
    Conflict if there is no latest version."""
    dag = dags.find(work.tx, run.dag_id)
    if dag is None or dag.is_removed:
        if wanted:
            raise Conflict(
                f"DAG {run.dag_id!r} has no latest version, because its file was removed; upload"
                " it again, or use run_on_latest_version false"
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
    """Return the DAG of the run's own version, or None if that cannot be read: then switching to
    another version helps."""
    try:
        return work.definition(run.version_id)
    except Exception as error:
        work.record_error(error, "the version of a run", **run.ids())
        return None


def tasks_of(dag: Dag | None) -> dict[str, Task]:
    """Return the DAG's tasks by id."""
    return {task.id: task for task in dag.tasks} if dag else {}


def switch(work: UnitOfWork, run: Run, choice: VersionChoice) -> Run:
    """Switch the run to that version. Returns the run as it is then. Raises Conflict if its params
    do not fit."""
    if choice.version_id == run.version_id:
        return run
    old, new = current_definition(work, run), work.definition(choice.version_id)
    params = _params(run, new, choice.version)
    runs.take_version(work.tx, run.key, choice.version_id, params, new.dagrun_timeout)
    mapped_instances.decide_anew(work.tx, run.key)
    _InstanceUpdate(work, run, choice.version).fit(old, new, params_differ=params != run.params)
    work.forget_run(run)
    switched = work.run(run.run_id)
    assert switched is not None
    return switched


def _params(run: Run, new: Dag, version: int) -> dict[str, Any]:
    given = keep_declared(new, run.params)
    try:
        return resolve_params(new, given, run_context(new, run.run_id, run))
    except ParamError as error:
        raise Conflict(
            f"run {run.run_id!r} cannot continue with version {version} of its DAG:"
            f" {error.message}; trigger a new run, or use run_on_latest_version false",
            **error.details,
        ) from None


_WAITS = frozenset(TaskState) - TASK_ENDED - IN_FLIGHT


class _InstanceUpdate:
    """Updates the task instances of a run that switches to another version."""

    def __init__(self, work: UnitOfWork, run: Run, version: int) -> None:
        self._work, self._run, self._version = work, run, version
        self._current: defaultdict[str, list[TaskInstance]] = defaultdict(list)
        self._removed: defaultdict[str, list[TaskInstance]] = defaultdict(list)
        for row in task_instances.of_run(work.tx, run.key):
            (self._removed if row.is_removed else self._current)[row.task_id].append(row)

    def fit(self, old: Dag | None, new: Dag, *, params_differ: bool) -> None:
        """Make the task instances fit the new version."""
        before, after = tasks_of(old), tasks_of(new)
        removed = sorted(self._current.keys() - after.keys())
        removed_keys = [row.key for task_id in removed for row in self._current[task_id]]
        reason = f"version {self._version} of the DAG has no such task"
        mapped_instances.retire(self._work.tx, removed_keys, reason, self._work.now)
        for task in new.tasks:
            rows = self._current[task.id]
            if not rows:
                self._add(task)
            else:
                earlier = before.get(task.id, task)
                is_other = mapping_may_differ(earlier, task, params_differ=params_differ)
                self._fit(task, rows, is_other=is_other)

    def _add(self, task: Task) -> None:
        """Add a new task, or restore one that an earlier version of the run had, as it was."""
        restored = [row for row in self._removed[task.id] if matches_task(row, task)]
        if not restored:
            mapped_instances.begin_anew(self._work.tx, self._run.key, self._run.dag_id, task)
            return
        mapped_instances.revive(self._work.tx, [row.key for row in restored])
        for row in restored:
            task_instances.follow(self._work.tx, row, task)

    def _fit(self, task: Task, rows: Sequence[TaskInstance], *, is_other: bool) -> None:
        tx = self._work.tx
        unfit = [row for row in rows if not matches_task(row, task)]
        wanted = {TaskState.NONE} if is_other and not unfit else _WAITS if unfit else set()
        if all(row.state in wanted for row in rows):
            reset_instances(self._work, self._run, task)
            return
        reason = f"version {self._version} of the DAG maps the task differently"
        for row in unfit:
            if row.state in _WAITS:
                task_instances.end_unstarted(tx, row.key, TaskState.FAILED, reason, self._work.now)
        for row in rows:
            task_instances.follow(tx, row, task)


def reset_instances(work: UnitOfWork, run: Run, task: Task) -> None:
    """Reset a task that is not in flight, mapped or not, to its present definition."""
    rows = task_instances.of_run(work.tx, run.key, [task.id])
    rows = [row for row in rows if not row.is_removed]
    tries = max(row.try_number for row in rows)
    mapped_instances.begin_anew(work.tx, run.key, run.dag_id, task, tries)
    for row in rows:
        task_instances.follow(work.tx, row, task)
    if not task.expand:
        mapped = [row.key for row in rows if row.attempt.map_index >= 0]
        mapped_instances.retire(work.tx, mapped, "the task is no longer mapped", work.now)


def matches_task(row: TaskInstance, task: Task) -> bool:
    """Whether the row, created by another version, is an instance of the task in this one."""
    if row.mapped_count is not None:
        return bool(task.expand)
    return is_compatible(task, row.attempt.map_index, row.item)
