"""Finds the artifacts that a task is given as inputs, or says why one is not there."""

from __future__ import annotations

import posixpath

from chalicelib.artifact_inputs import InputFile, encode
from chalicelib.dag.model import Dag, Task
from chalicelib.dag.states import TaskState
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.database.queries import task_instances
from chalicelib.database.queries.runs import Run
from chalicelib.messages import Attempt, Material
from chalicelib.scheduler.unit_of_work import UnitOfWork

_STATES = {
    TaskState.SUCCESS: "succeeded without leaving it: it was marked as successful, or ran with"
    " another version of the file; clear it to have it made",
    TaskState.SKIPPED: "was skipped",
    TaskState.FAILED: "failed",
    TaskState.UPSTREAM_FAILED: "did not run, because a task before it failed",
    TaskState.CANCELLED: "was cancelled",
}


def input_materials(work: UnitOfWork, dag: Dag, run: Run, task: Task) -> list[Material]:
    """Return the task's inputs for its message. Raises TemplateError for one that is not there."""
    return [
        _material(work, dag, run, posixpath.join(task.cwd or "", path), reference)
        for path, reference in task.inputs.items()
    ]


def _material(work: UnitOfWork, dag: Dag, run: Run, path: str, reference: str) -> Material:
    task_id, _, name = reference.rpartition(".")
    kept = work.artifacts(run.key, task_id, name)
    if not kept:
        raise TemplateError(_missing(work, run, path, task_id, name))
    files = [
        InputFile(
            Attempt(
                dag.dag_id,
                run.run_id,
                task_id,
                artifact.map_index,
                artifact.try_number,
                artifact.poke,
            ),
            name,
            artifact.size_bytes,
            artifact.sha256,
            artifact.is_folder,
            artifact.is_executable,
        )
        for artifact in kept
    ]
    return encode(path, files, is_mapped=bool(dag.task(task_id).expand))


def _missing(work: UnitOfWork, run: Run, path: str, task_id: str, name: str) -> str:
    states = task_instances.states_of_task(work.tx, run.key, task_id)
    known = [why for state, why in _STATES.items() if states[state]]
    why = known[-1] if known else "has not run"
    return (
        f"its input `{path}` is not there: task `{task_id}`, whose artifact `{name}` it is, {why}"
    )
