"""Runs and task instances, as reads return them; `dag_values` says what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.reads.wait_reasons import WaitingFor
from chalicelib.enums import Outcome, RunAction, RunType, TaskAction


@dataclass(frozen=True, slots=True)
class RunCause:
    """The task of a run that failed first.

    Attributes:
        map_index: Index of the mapped instance; -1 for an unmapped task.
        try_number: Number of the attempt that failed.
        reason: Why it failed.
    """

    task_id: str
    map_index: int
    try_number: int
    reason: str
    log_bytes: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """A run, pinned to one version of its DAG.

    Attributes:
        stopping: State in which the run will end once its running tasks have stopped; null
            otherwise.
        version: Version of the DAG that the run uses.
        logical_date: Fire time of a scheduled run; requested time of a manual one.
        data_interval_start: Fire time before the logical date.
        reason: Explains the current state; empty if there is nothing to explain.
        admitted_at: When the run was given one of its DAG's `max_active_runs` slots.
        duration: Seconds from `started_at` to `ended_at`; null until the run has ended.
        failed_tasks: Number of tasks that failed, counted when the run ended. A run can succeed
            although a task failed.
        acknowledged_at: When the failure was acknowledged; null again after a rerun.
        acknowledged_by: Who acknowledged the failure.
        acknowledged_note: What is known about the failure.
        waiting_for: What keeps the run from starting; empty if nothing does. Lists explain the
            first hundred waiting runs and give null for the rest.
        cause: Task that failed first; null if none has failed.
        actions: Actions that are legal in the current state.
    """

    run_id: str
    dag_id: str
    run_type: RunType
    state: RunState
    stopping: Literal[RunState.FAILED, RunState.CANCELLED] | None
    version: int
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    note: str | None
    idempotency_key: str | None
    reason: str
    backfill_id: int | None
    created_at: datetime
    admitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    duration: float | None
    failed_tasks: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_note: str | None
    waiting_for: tuple[WaitingFor, ...] | None
    cause: RunCause | None
    actions: tuple[RunAction, ...]


@dataclass(frozen=True, slots=True)
class RunWithParams(Run):
    """A run with its params.

    Attributes:
        params: Values of the DAG's params in this run.
        ancestry: Ids of the DAGs whose runs triggered this one, outermost first.
        latest_version: Version of the DAG that new runs use.
    """

    params: dict[str, Any]
    ancestry: tuple[str, ...]
    latest_version: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder that a task left when it last succeeded.

    Attributes:
        map_index: Index of a mapped task instance; -1 for an unmapped task.
        file_name: Name of the file or folder in the task's working directory.
        is_folder: The artifact is a folder, kept as a tar archive.
        size_bytes: Size of the file, or of the archive.
        sha256: SHA-256 of the file, or of the archive.
        try_number: Attempt that left it.
        created_at: When it was recorded.
    """

    task_id: str
    map_index: int
    name: str
    file_name: str
    is_folder: bool
    size_bytes: int
    sha256: str
    try_number: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """A task within a run. `queued_at` to `reason` describe the latest attempt.

    Attributes:
        map_index: Index of a mapped task instance; -1 for an unmapped task.
        try_number: Number of the latest attempt, counted from 1; 0 before the first.
        version: Version of the DAG that the attempt was queued with.
        poke: How many times the sensor was poked, or the command started, again within the
            attempt.
        not_before: The attempt does not start before this time.
        first_started_at: When the attempt's first poke started; null if there was only one.
        heartbeat_at: When the executor last reported that the command is running.
        duration: Seconds from `started_at` to `ended_at`; null until the attempt has ended.
        signal: Number of the signal that killed the command.
        max_rss_bytes: Peak memory of the command.
        log_bytes: Size of the complete log; null until it is known.
        reason: Explains the current state; empty if there is nothing to explain.
        waiting_for: What keeps the task from starting; empty if nothing does. Lists explain the
            first hundred waiting tasks and give null for the rest.
        removed_at: When the run moved to a version of the DAG without this task or mapped instance;
            null otherwise.
        actions: Actions that are legal in the current state.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    state: TaskState
    try_number: int
    version: int | None
    poke: int
    pool: str | None
    pool_slots: int
    priority: int
    queued_at: datetime | None
    not_before: datetime | None
    first_started_at: datetime | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    ended_at: datetime | None
    duration: float | None
    exit_code: int | None
    signal: int | None
    max_rss_bytes: int | None
    log_bytes: int | None
    reason: str
    waiting_for: tuple[WaitingFor, ...] | None
    removed_at: datetime | None
    actions: tuple[TaskAction, ...]


@dataclass(frozen=True, slots=True)
class TaskInstanceWithOutputs(TaskInstance):
    """A task instance with its input and output.

    Attributes:
        item: Values that this mapped instance was expanded with; null for an unmapped task.
        outputs: Values written to `$DAG_OUTPUT` by the last successful attempt.
    """

    item: dict[str, Any] | None
    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt that has ended.

    Attributes:
        version: Version of the DAG that the attempt was queued with.
        first_started_at: When its first poke started; null if there was only one.
        duration: Seconds from `started_at` to `ended_at`.
        signal: Number of the signal that killed the command.
        max_rss_bytes: Peak memory of the command.
        log_bytes: Size of the complete log.
        pokes: How many times a sensor was poked, or a command started, again within the attempt.
        billed_ms: Milliseconds billed by Lambda; null if it ran elsewhere.
        memory_mb: Memory size of the Lambda function in megabytes.
        reason: Explains the outcome; empty if there is nothing to explain.
    """

    try_number: int
    version: int | None
    outcome: Outcome
    queued_at: datetime | None
    first_started_at: datetime | None
    started_at: datetime | None
    ended_at: datetime
    duration: float | None
    exit_code: int | None
    signal: int | None
    max_rss_bytes: int | None
    log_bytes: int | None
    pokes: int
    billed_ms: int | None
    memory_mb: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class EarlierAttempt(EndedAttempt):
    """An attempt of a task instance before its latest one.

    Attributes:
        map_index: Index of a mapped task instance; -1 for an unmapped task.
    """

    task_id: str
    map_index: int
