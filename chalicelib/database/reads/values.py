"""The values that reads return. Class and field names are those of the API.

The API's responses and their JSON Schemas are made from these classes, the descriptions of fields
from the docstrings. Times are aware datetimes in UTC, durations float seconds, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from chalicelib.dag.excerpts import SourceLine
from chalicelib.dag.model import Dag, NotificationTarget, Param, Sensor, Task
from chalicelib.dag.problems import DagWarning, Problem
from chalicelib.dag.states import RunState, TaskState
from chalicelib.dag.version_diff import TaskChange, VersionDiff
from chalicelib.database.reads.wait_reasons import Holder, WaitingFor
from chalicelib.enums import (
    BackfillAction,
    BackfillState,
    NotificationEvent,
    NotificationState,
    Outcome,
    Reprocess,
    RunAction,
    RunType,
    TaskAction,
)
from chalicelib.notification_kinds import KindName

__all__ = [
    "Artifact",
    "AuditEntry",
    "Backfill",
    "Dag",
    "DagFileOfVersion",
    "DagImportError",
    "DagSource",
    "DagSummary",
    "DagVersion",
    "DagWarning",
    "DagWarnings",
    "DagWithDefinition",
    "Edge",
    "EndedAttempt",
    "Graph",
    "Holder",
    "LastRun",
    "Notification",
    "NotificationTarget",
    "Page",
    "Param",
    "Pool",
    "Problem",
    "Run",
    "RunWithParams",
    "Sensor",
    "SourceLine",
    "Tag",
    "Task",
    "TaskChange",
    "TaskInstance",
    "TaskInstanceWithOutputs",
    "Tick",
    "VersionDiff",
    "WaitingFor",
]

T = TypeVar("T")
Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Page(Generic[T, Key]):
    """One page of a list. `next_key` is where the next page starts; None on the last page."""

    items: list[T]
    next_key: Key | None


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a DAG."""

    run_id: str
    state: RunState
    logical_date: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class DagSummary:
    """A DAG, as lists show it.

    Attributes:
        dag_id: Identifies the DAG, also in URLs.
        schedule: Cron expressions, presets or intervals; empty for a DAG that runs only on request.
        paused_reason: Why the orchestrator paused the DAG; null if a user did, or if it is not
            paused.
        next_fire_at: When the schedule fires next; null while the DAG is paused or has no fire time
            left.
        max_active_runs: Maximum number of concurrent runs.
        max_active_tasks: Maximum number of concurrent task instances across all runs.
        version: Number of the active version, counted from 1 for each DAG.
        file_key: Key of the file in the DAGs bucket.
        problem: Error that made the scheduler skip this DAG; null once the work has gone through or
            been cancelled.
        has_import_error: The latest upload of the file is invalid; the last valid version stays
            active.
        warning_count: Number of warnings about the file.
        removed_at: When the file was removed from the bucket; null while it exists.
    """

    dag_id: str
    name: str
    description: str | None
    owner: str | None
    tags: tuple[str, ...]
    schedule: tuple[str, ...]
    timezone: str
    is_paused: bool
    paused_reason: str | None
    next_fire_at: datetime | None
    last_run: LastRun | None
    max_active_runs: int
    max_active_tasks: int
    version: int
    file_key: str
    problem: str | None
    has_import_error: bool
    warning_count: int
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and how many DAGs carry it.

    Attributes:
        dag_count: Number of DAGs with this tag.
        paused_count: How many of them are paused.
    """

    tag: str
    dag_count: int
    paused_count: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A dependency between two tasks.

    Attributes:
        source: Id of the task that runs first.
        target: Id of the task that depends on it.
    """

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The dependency graph of a DAG.

    Attributes:
        nodes: Task ids in topological order.
    """

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class DagWithDefinition(DagSummary):
    """A DAG with its active definition.

    Attributes:
        catchup_window: Seconds. Fire times missed by more than this are not caught up.
        dagrun_timeout: Seconds after which a run fails; null for no limit.
        max_consecutive_failed_dag_runs: Failed runs in a row after which the DAG is paused; 0 for
            never.
        retention_days: Days to keep ended runs; null for the installation's default.
        secrets: References to secrets by environment variable, never their values.
        tasks: Tasks in topological order.
        warnings: Valid but probably unintended parts of the file.
    """

    doc_md: str | None
    start_date: str | None
    end_date: str | None
    catchup: bool
    catchup_window: float
    overlap_policy: str
    dagrun_timeout: float | None
    max_consecutive_failed_dag_runs: int
    retention_days: int | None
    rerun_with_latest_version: bool
    params: tuple[Param, ...]
    env: dict[str, str]
    secrets: dict[str, str]
    on_success: tuple[NotificationTarget, ...]
    on_failure: tuple[NotificationTarget, ...]
    tasks: tuple[Task, ...]
    graph: Graph
    warnings: tuple[DagWarning, ...]


@dataclass(frozen=True, slots=True)
class DagVersion:
    """A registered version of a DAG.

    Attributes:
        version: Counted from 1 for each DAG.
        file_key: Key of the file in the DAGs bucket.
        etag: ETag of the object in the bucket.
        is_active: New runs use this version.
    """

    version: int
    file_key: str
    etag: str
    created_at: datetime
    is_active: bool


@dataclass(frozen=True, slots=True)
class DagFileOfVersion:
    """A file beside the DAG file, as a version has it.

    Attributes:
        path: Relative to the DAG file's folder.
        size_bytes: Size in bytes.
        is_executable: Whether commands can run it.
    """

    path: str
    sha256: str
    size_bytes: int
    is_executable: bool


@dataclass(frozen=True, slots=True)
class DagSource(DagVersion):
    """The file of one version, exactly as uploaded."""

    dag_id: str
    source: str


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
        acknowledged_at: When the failure was acknowledged; null again after a rerun.
        acknowledged_by: Who acknowledged the failure.
        acknowledged_note: What is known about the failure.
        waiting_for: What keeps the run from starting; empty if nothing does. Lists explain the
            first hundred waiting runs and give null for the rest.
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
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_note: str | None
    waiting_for: tuple[WaitingFor, ...] | None
    actions: tuple[RunAction, ...]


@dataclass(frozen=True, slots=True)
class RunWithParams(Run):
    """A run with its params.

    Attributes:
        params: Values of the DAG's params in this run.
        ancestry: Ids of the DAGs whose runs triggered this one, outermost first.
    """

    params: dict[str, Any]
    ancestry: tuple[str, ...]


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
class Backfill:
    """A backfill: runs for every fire time in a range, both ends included.

    Attributes:
        next_date: Next fire time to process; null once all have been processed.
        reprocess: Which existing runs to run again.
        max_active_runs: Maximum number of concurrent runs of this backfill.
        counts: Number of processed fire times by what became of them.
        reason: Explains the current state; empty if there is nothing to explain.
        active_runs: Unfinished runs; a cancelled backfill may have some until they finish.
        actions: Actions that are legal in the current state.
    """

    id: int
    dag_id: str
    from_date: datetime
    to_date: datetime
    next_date: datetime | None
    is_reverse: bool
    reprocess: Reprocess
    max_active_runs: int
    run_on_latest_version: bool
    state: BackfillState
    counts: dict[str, int]
    reason: str
    active_runs: int
    created_at: datetime
    ended_at: datetime | None
    actions: tuple[BackfillAction, ...]


@dataclass(frozen=True, slots=True)
class Worker:
    """A process on another machine that runs the tasks of a queue.

    Attributes:
        name: Host and process id.
        parallelism: Commands that it runs at most at the same time.
        running: Commands that it ran when it was last seen.
        is_alive: Whether it has been seen in the last three minutes.
    """

    name: str
    queue: str
    parallelism: int
    running: int
    started_at: datetime
    seen_at: datetime
    is_alive: bool


@dataclass(frozen=True, slots=True)
class Pool:
    """A limit on concurrent tasks, shared by DAGs.

    Attributes:
        slots: Capacity of the pool.
        used: Slots in use.
        waiting: Tasks that are ready and waiting for a slot.
    """

    name: str
    slots: int
    description: str
    used: int
    waiting: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A change and who made it.

    Attributes:
        who: Name of the access token, ARN of the IAM caller, or `local`.
        target: Id of what was changed.
    """

    id: int
    at: datetime
    who: str
    action: str
    target: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification about a run or a task.

    Attributes:
        target: ARN of the topic, URL, or shell command.
        sends: Number of delivery attempts.
        reason: Error of the last delivery attempt; empty if there was none.
        due_at: When delivery is next attempted; null once delivered or given up.
    """

    id: int
    dag_id: str
    run_id: str
    task_id: str | None
    event: NotificationEvent
    kind: KindName
    target: str
    payload: dict[str, Any]
    state: NotificationState
    sends: int
    reason: str
    created_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class DagImportError:
    """A file that could not be registered.

    Attributes:
        file_key: Key of the file in the DAGs bucket.
        dag_id: DAG last registered from this file, which stays active; null if there is none.
        lines: Lines of the file around the problems, within a size limit.
    """

    file_key: str
    dag_id: str | None
    problems: tuple[Problem, ...]
    lines: tuple[SourceLine, ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class DagWarnings:
    """A registered DAG and the warnings about its file.

    Attributes:
        file_key: Key of the file in the DAGs bucket.
    """

    dag_id: str
    file_key: str
    warnings: tuple[DagWarning, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """One run of the scheduler's tick.

    Attributes:
        duration: Seconds.
        counts: Number of things done, by kind.
        errors: What went wrong.
    """

    started_at: datetime
    duration: float
    counts: dict[str, int]
    errors: tuple[str, ...]
