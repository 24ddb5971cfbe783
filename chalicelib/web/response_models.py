"""The responses of the API, by the names that the table of routes and the OpenAPI document use.

What the database reads return is imported, and extended where the API adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.admin.access_tokens import TokenInfo
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagWarning
from chalicelib.dag.version_diff import VersionDiff
from chalicelib.database.reads.activity_values import ActiveBackfill, DagActivity, OpenFailure
from chalicelib.database.reads.dag_history_values import TaskDurations
from chalicelib.database.reads.dag_values import (
    DagFileOfVersion,
    DagImportError,
    DagSource,
    DagSummary,
    DagVersionWithTasks,
    DagWithDefinition,
)
from chalicelib.database.reads.operation_values import (
    Backfill,
    Pool,
    Worker,
)
from chalicelib.database.reads.run_values import (
    Artifact,
    EarlierAttempt,
    EndedAttempt,
    Run,
    RunWithParams,
    TaskInstance,
    TaskInstanceWithOutputs,
)
from chalicelib.enums import AuthMode, BulkAction, HealthStatus, PreviewKind, Role
from chalicelib.ports import QueueDepth
from chalicelib.web.costs import Cost
from chalicelib.web.list_responses import ListResponse
from chalicelib.web.task_places import TaskPlace

# Returned as they are read.
__all__ = ["Backfill", "DagSource", "DagVersionWithTasks", "Pool", "Run"]

T = TypeVar("T")


def extend(cls: type[T], value: Any, **more: Any) -> T:
    """`value`, an instance of a base of `cls`, as a `cls` with the fields that this adds."""
    return cls(**{spec.name: getattr(value, spec.name) for spec in fields(value)}, **more)


@dataclass(frozen=True, slots=True)
class ValidatedDag:
    """A file that is ready to be registered.

    Attributes:
        next_fire_times: Next fire times of the schedule.
        warnings: Valid but probably unintended parts of the file.
    """

    dag: Dag
    next_fire_times: tuple[datetime, ...]
    warnings: tuple[DagWarning, ...]


@dataclass(frozen=True, slots=True)
class DagFileField:
    """A key of a DAG file. Texts may contain code in backticks.

    Attributes:
        aliases: Other names of the key.
        type: What the value looks like.
        default: Value if the key is omitted, `required`, or `none`.
    """

    name: str
    aliases: tuple[str, ...]
    type: str
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class DagFileTable:
    """The keys of one mapping in a DAG file, such as a task."""

    title: str
    fields: tuple[DagFileField, ...]


@dataclass(frozen=True, slots=True)
class DagFileReference:
    """Every key of a DAG file."""

    tables: tuple[DagFileTable, ...]


@dataclass(frozen=True, slots=True)
class NextFireTimes:
    """The next fire times of a schedule."""

    dag_id: str
    timezone: str
    next_fire_times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class LogPart:
    """Part of a log.

    Attributes:
        next_offset: `offset` of the next request.
        complete: The log has ended and nothing follows.
        try_number: Attempt that wrote the log; null before the first.
        poke: Poke of the sensor that wrote the log, counted from 0; null before the first attempt.
    """

    content: str
    next_offset: int
    complete: bool
    try_number: int | None
    poke: int | None


@dataclass(frozen=True, slots=True)
class ChangedDags:
    """Ids of the DAGs that were changed."""

    dag_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangedRuns:
    """Ids of the runs that were changed."""

    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of one of many runs, or would without `dry_run`.

    Attributes:
        tasks: Number of task instances that run again, or are stopped.
        is_change: Something changed; false for what was done before.
        problem: Why nothing was done; null if there was no problem.
    """

    run_id: str
    tasks: int
    is_change: bool
    problem: str | None


@dataclass(frozen=True, slots=True)
class BulkOutcomes:
    """What became of many runs, or would without `dry_run`, in the order of the request.

    Attributes:
        changed: Number of runs that changed.
        tasks: Number of task instances that run again, or are stopped.
    """

    action: BulkAction
    dry_run: bool
    changed: int
    tasks: int
    runs: tuple[BulkOutcome, ...]


@dataclass(frozen=True, slots=True)
class ClearedTask:
    """A cleared task instance.

    Attributes:
        state: State before it was cleared.
        map_index: Index of a mapped task instance; -1 for an unmapped task.
    """

    task_id: str
    map_index: int
    state: str


@dataclass(frozen=True, slots=True)
class ClearedTasks:
    """Task instances that run again, or would without `dry_run`.

    Attributes:
        version: Version of the DAG that they run with.
        run_version: Version that the run used before.
        latest_version: Latest version of the DAG; null if its file was removed.
        has_import_error: The latest upload of the file is invalid; the last valid version stays
            active.
        changes: Differences between `run_version` and `latest_version`.
    """

    dry_run: bool
    run_on_latest_version: bool
    version: int
    run_version: int
    latest_version: int | None
    has_import_error: bool
    changes: VersionDiff
    task_instances: tuple[ClearedTask, ...]


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """The fire times that a backfill runs.

    Attributes:
        id: Number of the backfill; null for a dry run.
        dates: First hundred fire times.
        total: Number of fire times.
        already: How many of them already have a run.
    """

    id: int | None
    dates: tuple[datetime, ...]
    total: int
    already: int


@dataclass(frozen=True, slots=True)
class DagFileInBucket:
    """A DAG file as it is in the dags bucket: perhaps newer than what is registered, or invalid.

    Attributes:
        key: Name of the file in the bucket.
        etag: Stands for this content; to be sent in `If-Match` with a change.
    """

    key: str
    source: str
    etag: str


@dataclass(frozen=True, slots=True)
class SavedDagFile:
    """A DAG file that was saved. It is registered within seconds.

    Attributes:
        key: Name of the file in the bucket.
        etag: Stands for its content; to be sent in `If-Match` with the next change.
    """

    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class AccessToken(TokenInfo):
    """Who may use the API.

    Attributes:
        name: Appears in the audit log.
        last_used_at: When it was last used; may lag by an hour.
        revoked_at: When it was revoked; null while it is not.
        dags: Ids of the DAGs that it is limited to, separated by commas; `*` stands for any
            characters, `?` for one. Null for all.
        expires_at: When it stops working; null for never.
    """


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """All access tokens, including revoked ones; at most 1,000."""

    tokens: list[AccessToken]


@dataclass(frozen=True, slots=True)
class NewAccessToken:
    """A token that was just created.

    Attributes:
        token: Its text, which cannot be shown again.
    """

    name: str
    role: Role
    dags: str | None
    expires_at: datetime | None
    token: str


@dataclass(frozen=True, slots=True)
class Session:
    """The caller.

    Attributes:
        name: Name of the access token, ARN of the IAM caller, or `local`.
        auth: How callers authenticate: the setting `ORCHESTRATOR_AUTH`.
        dags: Ids of the DAGs that the token is limited to, separated by commas; `*` stands for any
            characters, `?` for one. Null for all.
        expires_at: When the token stops working; null for never.
        dags_bucket: Name of the bucket whose DAG files are registered.
        dags_folder: Folder on the server's machine that is copied to the bucket; null on AWS.
        s3_endpoint: URL of the local S3; null on AWS.
        can_edit: Whether the caller may create and change DAG files: an operator, where the
            setting `ORCHESTRATOR_EDITOR` allows it.
    """

    name: str
    role: Role
    auth: AuthMode
    dags: str | None
    expires_at: datetime | None
    dags_bucket: str
    dags_folder: str | None
    s3_endpoint: str | None
    can_edit: bool


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """State of the database.

    Attributes:
        commit_seq: Number of the last commit.
    """

    reachable: bool
    commit_seq: int | None


@dataclass(frozen=True, slots=True)
class LastTick:
    """The scheduler's last tick.

    Attributes:
        age_seconds: Seconds since it started.
    """

    started_at: datetime
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Queues:
    """Depth of each queue; null if it cannot be determined."""

    tasks: QueueDepth | None
    results: QueueDepth | None
    dead_letters: QueueDepth | None


@dataclass(frozen=True, slots=True)
class Health:
    """State of the orchestrator. Callers without a token get `status` alone.

    Attributes:
        status: `degraded` if the last tick is older than three minutes or a queue does not respond.
        set_aside: Messages that could not be applied and were kept for inspection.
        import_errors: Files that could not be registered.
    """

    status: HealthStatus
    database: DatabaseHealth
    last_tick: LastTick | None
    queues: Queues
    set_aside: int
    import_errors: int


@dataclass(frozen=True, slots=True)
class WorkerQueue:
    """A queue that workers receive tasks from.

    Attributes:
        workers: Workers that have been seen in the last three minutes.
        depth: What is in the queue; null if it cannot be determined.
    """

    name: str
    workers: int
    depth: QueueDepth | None


@dataclass(frozen=True, slots=True)
class WorkerList:
    """Workers seen in the last day that have not left, and the queues of workers."""

    workers: list[Worker]
    queues: list[WorkerQueue]


@dataclass(frozen=True, slots=True)
class UpcomingDags:
    """DAGs by their next fire time."""

    dags: list[DagSummary]


@dataclass(frozen=True, slots=True)
class DagDetail(DagWithDefinition):
    """A DAG with its active definition, what its runs have cost, and where its tasks run."""

    cost: Cost
    task_places: list[TaskPlace]


@dataclass(frozen=True, slots=True)
class RunDetail(RunWithParams, ListResponse):
    """A run with its params, what it has cost, and a page of its task instances."""

    cost: Cost
    task_instances: list[TaskInstance]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class EarlierAttempts:
    """Attempts of a run's task instances before their latest ones, latest first."""

    attempts: list[EarlierAttempt]


@dataclass(frozen=True, slots=True)
class TaskInstanceDetail(TaskInstanceWithOutputs):
    """A task instance with its input, output and ended attempts.

    Attributes:
        attempts: Ended attempts, newest first.
        artifacts: Files and folders that it left.
        place: Where the active version of the task runs; null if that has no such task, or if it
            runs no command.
    """

    attempts: list[EndedAttempt]
    artifacts: list[Artifact]
    place: TaskPlace | None


@dataclass(frozen=True, slots=True)
class ArtifactDownload(Artifact):
    """An artifact with a link to download it.

    Attributes:
        url: Gives the file, or the tar archive of the folder, to anybody, without an access token.
        expires_at: When the link stops working.
    """

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DagFileContent(DagFileOfVersion):
    """A file beside a DAG file, and the beginning of its content.

    Attributes:
        version: Number of the version.
        kind: How to show it; `none` if it cannot be shown.
        media_type: Media type of an image; `text/plain` for everything else.
        content: Text, or an image in base64; empty for `none`.
        is_truncated: The file continues.
        reason: Why nothing is shown; empty if there is something.
    """

    version: int
    kind: PreviewKind
    media_type: str
    content: str
    is_truncated: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ArtifactPreview:
    """The beginning of an artifact.

    Attributes:
        kind: How to show it; `none` if it can only be downloaded.
        media_type: Media type of an image; `text/plain` for everything else.
        content: Text, or an image in base64; empty for `none`.
        is_truncated: The artifact continues.
        reason: Why there is no preview; empty if there is one.
    """

    kind: PreviewKind
    media_type: str
    content: str
    is_truncated: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What needs attention, what runs, and what ran lately.

    Attributes:
        has_dags: Whether there is any DAG.
        running_runs: Number of runs of which a task has begun.
        waiting_runs: Number of runs that wait for their time, a slot, or their first task.
        failing_dags: Number of DAGs with open failures.
        failures: The DAGs that failed last, with their open failures.
        runs: Active runs that belong to no backfill: those that run, then those that wait.
        backfills: Backfills with active runs.
        dags: DAGs with open failures, active runs or runs that ended lately, with the runs of the
            period.
        import_errors: Files that could not be registered.
        warning_count: Number of DAGs whose file has warnings.
    """

    has_dags: bool
    running_runs: int
    waiting_runs: int
    failing_dags: int
    failures: list[OpenFailure]
    runs: list[Run]
    backfills: list[ActiveBackfill]
    dags: list[DagActivity]
    import_errors: list[DagImportError]
    warning_count: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Whether something that people see has changed.

    Attributes:
        number: Number of the latest change; pass it as `since`.
        has_changed: Whether anything has changed after `since`.
    """

    number: int
    has_changed: bool


@dataclass(frozen=True, slots=True)
class DagDurations:
    """How long the tasks of a DAG took in its latest runs."""

    tasks: list[TaskDurations]
