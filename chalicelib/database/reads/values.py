"""What the reads answer: plain values whose field names are the API's.

The API's answers and their JSON Schemas are both made from these classes, so that they
cannot differ. Moments are aware datetimes in UTC, durations float seconds, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from chalicelib.dag.excerpts import SourceLine
from chalicelib.dag.model import Dag, Notification, Param, Sensor, Task
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
    "AttemptItem",
    "AuditItem",
    "BackfillItem",
    "Dag",
    "DagDetail",
    "DagItem",
    "DagSource",
    "DagVersion",
    "DagWarning",
    "DagWarningsItem",
    "Edge",
    "Graph",
    "Holder",
    "ImportErrorItem",
    "LastRun",
    "Notification",
    "NotificationItem",
    "Page",
    "Param",
    "PoolItem",
    "Problem",
    "RunDetail",
    "RunItem",
    "Sensor",
    "SourceLine",
    "TagItem",
    "Task",
    "TaskChange",
    "TaskInstanceDetail",
    "TaskInstanceItem",
    "TickItem",
    "VersionDiff",
    "WaitingFor",
]

T = TypeVar("T")
Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Page(Generic[T, Key]):
    """One page of a list. `next_key` is what to ask for the next one with, None at the end."""

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
class DagItem:
    """One DAG, as lists show it."""

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
class TagItem:
    """A tag: `dag_count` DAGs have it, `paused_count` of which are paused."""

    tag: str
    dag_count: int
    paused_count: int


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` waits for `source`."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The tasks' ids in topological order, and who waits for whom."""

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class DagDetail(DagItem):
    """One DAG with its active definition."""

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
    on_success: tuple[Notification, ...]
    on_failure: tuple[Notification, ...]
    tasks: tuple[Task, ...]
    graph: Graph
    warnings: tuple[DagWarning, ...]


@dataclass(frozen=True, slots=True)
class DagVersion:
    """One version that was registered. `etag` is that of the object in the bucket."""

    version: int
    file_key: str
    etag: str
    created_at: datetime
    is_active: bool


@dataclass(frozen=True, slots=True)
class DagSource(DagVersion):
    """The file of one version, as it was uploaded."""

    dag_id: str
    source: str


@dataclass(frozen=True, slots=True)
class RunItem:
    """One run, pinned to a `version` of its DAG. `duration` is None until it has ended."""

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
class RunDetail(RunItem):
    """One run with what it was given. `ancestry`: the DAGs whose runs led to it."""

    params: dict[str, Any]
    ancestry: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskInstanceItem:
    """One task of one run. From `queued_at` to `reason`, all is of the latest attempt, whose number
    is `try_number`: 0 before the first. `version` is the DAG's that it was queued with.
    `removed_at` is when the run took a version of the DAG that has no such task, or copy: what is
    left is history."""

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
class TaskInstanceDetail(TaskInstanceItem):
    """One task instance with what it was given and what it wrote."""

    item: dict[str, Any] | None
    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AttemptItem:
    """One attempt that has ended, and the `version` of the DAG that it was queued with."""

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
class BackfillItem:
    """A range of fire times to run, from `from_date` to `to_date`, both included. `next_date` is
    the first that has not been looked at, None at the end; `counts` what became of the others.
    A cancelled one may still have `active_runs`: those that had started finish."""

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
class PoolItem:
    """A limit across DAGs. `used` counts slots in use; `waiting` tasks that are ready and have
    none."""

    name: str
    slots: int
    description: str
    used: int
    waiting: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AuditItem:
    """One change: who made it, and what it was."""

    id: int
    at: datetime
    who: str
    action: str
    target: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NotificationItem:
    """One message to people. `due_at` is when it is sent again, None once it is delivered or given
    up."""

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
class ImportErrorItem:
    """A file that could not be registered. `dag_id`: the DAG that it last held, active still.
    `lines` are those of the file around its problems, as far as they fit."""

    file_key: str
    dag_id: str | None
    problems: tuple[Problem, ...]
    lines: tuple[SourceLine, ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class DagWarningsItem:
    """A registered DAG and the warnings about its file."""

    dag_id: str
    file_key: str
    warnings: tuple[DagWarning, ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TickItem:
    """What one tick did, in numbers by name, and what went wrong in it."""

    started_at: datetime
    duration: float
    counts: dict[str, int]
    errors: tuple[str, ...]
