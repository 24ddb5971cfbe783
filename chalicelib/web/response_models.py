"""What handlers answer beyond the values that the database reads give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.database.reads.values import Dag, DagWarning, VersionDiff
from chalicelib.enums import AuthMode, HealthStatus, Role
from chalicelib.ports import QueueDepth


@dataclass(frozen=True, slots=True)
class ValidatedDag:
    """A file that could be registered as it is."""

    dag: Dag
    next_fire_times: tuple[datetime, ...]
    warnings: tuple[DagWarning, ...]


@dataclass(frozen=True, slots=True)
class NextFireTimes:
    """When the schedule fires next."""

    dag_id: str
    timezone: str
    next_fire_times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class LogPart:
    """A part of a log. `next_offset` is the byte behind it; `complete` that nothing will follow;
    `poke` which question of a sensor it answers."""

    content: str
    next_offset: int
    complete: bool
    try_number: int | None
    poke: int | None


@dataclass(frozen=True, slots=True)
class ChangedDags:
    """The DAGs that were not yet as they were asked to be."""

    dag_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangedRuns:
    """The runs that were not yet as they were asked to be."""

    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClearedTask:
    """One task instance and the state that it was in."""

    task_id: str
    map_index: int
    state: str


@dataclass(frozen=True, slots=True)
class ClearedTasks:
    """What runs again, or would if `dry_run` had not been asked for, with `version` of the DAG.
    `changes` lead from the version that the run had to the file's latest."""

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
    """What a backfill will run: `total` fire times, the first hundred of them in `dates`, of which
    `already` have runs. `id` is null where `dry_run` was asked for."""

    id: int | None
    dates: tuple[datetime, ...]
    total: int
    already: int


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks, with which role, and by the setting `auth` how that is known."""

    name: str
    role: Role
    auth: AuthMode


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """`commit_seq` is the number of the last commit."""

    reachable: bool
    commit_seq: int | None


@dataclass(frozen=True, slots=True)
class LastTick:
    """The last tick, and how long ago it began."""

    started_at: datetime
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Queues:
    """How full each queue is; None where it cannot be asked now."""

    tasks: QueueDepth | None
    results: QueueDepth | None
    dead_letters: QueueDepth | None


@dataclass(frozen=True, slots=True)
class Health:
    """`degraded`: the last tick is older than three minutes, or a queue does not answer.
    `set_aside` counts messages that could not be applied, `import_errors` files."""

    status: HealthStatus
    database: DatabaseHealth
    last_tick: LastTick | None
    queues: Queues
    set_aside: int
    import_errors: int
