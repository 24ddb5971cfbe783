"""Look up what a user names, with an error that helps if it does not exist."""

from __future__ import annotations

from chalicelib.database.queries import dags, runs, task_instances
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.errors import Conflict, NotFound
from chalicelib.scheduler.clearing import no_such_task
from chalicelib.scheduler.unit_of_work import UnitOfWork


def live_dag(work: UnitOfWork, dag_id: str) -> RegisteredDag:
    """A DAG that can be run and changed. Raises NotFound, or Conflict for a removed one."""
    dag = dags.find(work.tx, dag_id)
    if dag is None:
        raise NotFound(f"there is no DAG {dag_id!r}; GET /api/dags lists those that exist")
    if dag.is_removed:
        raise Conflict(
            f"DAG {dag_id!r} cannot run or be changed: its file {dag.file_key!r} was removed from"
            " the bucket; upload it again"
        )
    return dag


def run(work: UnitOfWork, run_id: str) -> Run:
    """Raises NotFound."""
    found = runs.find(work.tx, run_id)
    if found is None:
        raise NotFound(f"there is no run {run_id!r}; GET /api/runs lists those that exist")
    return found


def rerunnable_run(work: UnitOfWork, run_id: str) -> Run:
    """A run of which something is to run again. Raises NotFound, or Conflict for one that has ended
    and whose DAG was removed: it would wait for a slot for ever."""
    found = run(work, run_id)
    if found.is_being_removed:
        raise Conflict(
            f"run {run_id!r} cannot go on: it is older than runs are kept, and is being removed;"
            f" run its DAG again with POST /api/dags/{found.dag_id}/runs"
        )
    if not found.is_active:
        live_dag(work, found.dag_id)
    return found


def instances(
    work: UnitOfWork, of: Run, task_id: str, map_index: int | None = None
) -> list[TaskInstance]:
    """All instances of a task, or one copy. Raises NotFound."""
    found = task_instances.of_run(work.tx, of.key, [task_id])
    if not found:
        raise no_such_task(of, task_id)
    wanted = [i for i in found if map_index is None or i.attempt.map_index == map_index]
    if not wanted:
        raise NotFound(f"task {task_id!r} of run {of.run_id!r} has no copy {map_index}")
    return wanted
