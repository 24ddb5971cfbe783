"""The environment that a command finds: the DAG's `env`, the task's over it, and what is always
set."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib.dag.model import Dag, Task
from chalicelib.dag.schedule import day_of
from chalicelib.database.runs import Run
from chalicelib.messages import Attempt, TaskMessage


def task_message(dag: Dag, run: Run, attempt: Attempt, not_before: datetime) -> TaskMessage:
    """All that the executor needs for this attempt. Raises KeyError if the DAG has no such task."""
    task = dag.task(attempt.task_id)
    return TaskMessage(
        attempt=attempt,
        command=task.command,
        env=environment(dag, task, run, attempt),
        cwd=task.cwd,
        timeout=task.execution_timeout,
        not_before=not_before.timestamp(),
    )


def environment(dag: Dag, task: Task, run: Run, attempt: Attempt) -> dict[str, str]:
    """DAG_OUTPUT is missing here: its path is the executor's."""
    return {
        **dag.env,
        **task.env,
        "DAG_ID": attempt.dag_id,
        "RUN_ID": attempt.run_id,
        "TASK_ID": attempt.task_id,
        "TRY_NUMBER": str(attempt.try_number),
        "MAP_INDEX": str(attempt.map_index),
        "LOGICAL_DATE": _iso(run.logical_date),
        "DATA_INTERVAL_START": _iso(run.data_interval_start),
        "DATA_INTERVAL_END": _iso(run.data_interval_end),
        "DS": day_of(dag, run.logical_date),
        "TRIGGER_TYPE": run.run_type,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
