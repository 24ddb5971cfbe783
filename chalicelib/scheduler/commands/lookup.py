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
    """Return a DAG whose file exists. Raises NotFound, or Conflict for a removed one."""
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
    """Return a run. Raises NotFound."""
    existing = runs.find(work.tx, run_id)
    if existing is None:
        raise NotFound(f"there is no run {run_id!r}; GET /api/runs lists those that exist")
    return existing


def rerunnable_run(work: UnitOfWork, run_id: str) -> Run:
    """Return a run whose tasks may run again. Raises NotFound, or Conflict for one that has ended
    and whose DAG was removed: it would wait for a slot for ever."""
    existing = run(work, run_id)
    if existing.is_being_removed:
        raise Conflict(
            f"run {run_id!r} cannot continue: it is past its retention and is being removed;"
            f" run its DAG again with POST /api/dags/{existing.dag_id}/runs"
        )
    if not existing.is_active:
        live_dag(work, existing.dag_id)
    return existing


def instances(
    work: UnitOfWork, of: Run, task_id: str, map_index: int | None = None
) -> list[TaskInstance]:
    """Return all instances of a task, or the one with `map_index`. Raises NotFound."""
    every = task_instances.of_run(work.tx, of.key, [task_id])
    if not every:
        raise no_such_task(of, task_id)
    wanted = [i for i in every if map_index is None or i.attempt.map_index == map_index]
    if not wanted:
        raise NotFound(f"task {task_id!r} of run {of.run_id!r} has no mapped instance {map_index}")
    return wanted
