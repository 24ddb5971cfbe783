"""What handlers answer beyond the values that the database reads give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.database.reads.values import Dag
from chalicelib.ports import QueueDepth


@dataclass(frozen=True, slots=True)
class ValidatedDag:
    """A file that could be registered as it is."""

    dag: Dag
    next_fire_times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class NextFireTimes:
    """When the schedule fires next."""

    dag_id: str
    timezone: str
    next_fire_times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class LogPart:
    """A part of a log. `next_offset` is the byte behind it; `complete` that nothing will follow."""

    content: str
    next_offset: int
    complete: bool
    try_number: int | None


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

    status: Literal["ok", "degraded"]
    database: DatabaseHealth
    last_tick: LastTick | None
    queues: Queues
    set_aside: int
    import_errors: int
