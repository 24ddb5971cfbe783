"""The lists that the API returns, a page at a time; `response_models` has the other responses."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.database.reads.activity_values import DagActivity, OpenFailure
from chalicelib.database.reads.dag_history_values import DayOfRuns, GridCell
from chalicelib.database.reads.dag_values import (
    DagFileOfVersion,
    DagImportError,
    DagSummary,
    DagVersion,
    DagWarnings,
    Tag,
)
from chalicelib.database.reads.operation_values import (
    AuditEntry,
    Backfill,
    Notification,
    Pool,
    Tick,
)
from chalicelib.database.reads.run_values import (
    Artifact,
    Run,
    TaskInstance,
)


class ListResponse:
    """A page of a list.

    Attributes:
        next_cursor: `cursor` of the next page; null on the last page. A filtered page may be
            shorter than `limit` without being the last.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AuditList(ListResponse):
    """Audit entries."""

    audit: list[AuditEntry]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ArtifactList(ListResponse):
    """Artifacts."""

    artifacts: list[Artifact]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class BackfillList(ListResponse):
    """Backfills."""

    backfills: list[Backfill]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DagGrid(ListResponse):
    """Runs of a DAG, newest first, with the states of their tasks."""

    runs: list[Run]
    cells: list[GridCell]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DagDays(ListResponse):
    """Days with runs of a DAG, newest first."""

    days: list[DayOfRuns]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DagList(ListResponse):
    """DAGs.

    Attributes:
        activity: What the runs of these DAGs are doing, if `recent` was given.
    """

    dags: list[DagSummary]
    next_cursor: str | None
    activity: list[DagActivity]


@dataclass(frozen=True, slots=True)
class DagWarningsList(ListResponse):
    """DAGs with warnings."""

    dag_warnings: list[DagWarnings]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DagFileList(ListResponse):
    """The files beside a DAG file, as a version has them.

    Attributes:
        version: Number of the version.
    """

    files: list[DagFileOfVersion]
    next_cursor: str | None
    version: int


@dataclass(frozen=True, slots=True)
class DagVersionList(ListResponse):
    """Versions of a DAG."""

    versions: list[DagVersion]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ImportErrorList(ListResponse):
    """Files that could not be registered."""

    import_errors: list[DagImportError]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class NotificationList(ListResponse):
    """Notifications."""

    notifications: list[Notification]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OpenFailureList(ListResponse):
    """DAGs with open failures."""

    failures: list[OpenFailure]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PoolList(ListResponse):
    """Pools."""

    pools: list[Pool]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RunList(ListResponse):
    """Runs."""

    runs: list[Run]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class TagList(ListResponse):
    """Tags."""

    tags: list[Tag]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class TaskInstanceList(ListResponse):
    """Task instances."""

    task_instances: list[TaskInstance]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log.

    Attributes:
        number: Counted from 1 in the log of its attempt.
    """

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines of the log of one attempt.

    Attributes:
        map_index: Index of the mapped instance; -1 for an unmapped task.
        poke: Poke of the sensor that wrote the log, counted from 0.
    """

    task_id: str
    map_index: int
    try_number: int
    poke: int
    lines: list[LogLine]


@dataclass(frozen=True, slots=True)
class RunLogs(ListResponse):
    """Lines of the logs of a run.

    Attributes:
        complete: The run has ended, and no lines follow.
    """

    parts: list[LogLines]
    complete: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class TickList(ListResponse):
    """Ticks."""

    ticks: list[Tick]
    next_cursor: str | None
