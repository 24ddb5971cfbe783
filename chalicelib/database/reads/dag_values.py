"""DAGs and their versions, as reads return them. Class and field names are those of the API.

The API's responses and their JSON Schemas are made from these classes, the descriptions of fields
from the docstrings. Times are aware datetimes in UTC, durations float seconds, sizes bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.dag.excerpts import SourceLine
from chalicelib.dag.model import NotificationTarget, Param, Task
from chalicelib.dag.problems import DagWarning, Problem
from chalicelib.dag.states import RunState


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a DAG.

    Attributes:
        failed_tasks: Number of tasks that failed, counted when the run ended.
    """

    run_id: str
    state: RunState
    logical_date: datetime
    started_at: datetime | None
    ended_at: datetime | None
    failed_tasks: int


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
class DagVersionWithTasks(DagVersion):
    """A version of a DAG with its tasks and graph.

    Attributes:
        tasks: Tasks in topological order.
    """

    dag_id: str
    name: str
    tasks: tuple[Task, ...]
    graph: Graph


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
