"""What the reads answer: plain values whose field names are the API's.

The API's answers and their JSON Schemas are both made from these classes, so that they
cannot differ. Moments are aware datetimes in UTC, durations float seconds, sizes bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar, get_type_hints

from chalicelib.dag.model import Dag, Task
from chalicelib.dag.problems import Problem
from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.connection import Row
from chalicelib.database.times import from_us
from chalicelib.messages import Outcome

__all__ = [
    "AttemptItem",
    "Dag",
    "DagDetail",
    "DagItem",
    "DagSource",
    "DagVersion",
    "Edge",
    "Graph",
    "ImportErrorItem",
    "LastRun",
    "Page",
    "Problem",
    "RunItem",
    "Task",
    "TaskInstanceItem",
    "TickItem",
    "build",
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
    next_fire_at: datetime | None
    last_run: LastRun | None
    max_active_runs: int
    max_active_tasks: int
    version: int
    file_key: str
    has_import_error: bool
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None


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
    env: dict[str, str]
    tasks: tuple[Task, ...]
    graph: Graph


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
    run_type: Literal["scheduled", "manual"]
    state: RunState
    version: int
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime
    note: str | None
    idempotency_key: str | None
    reason: str
    created_at: datetime
    admitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    duration: float | None


@dataclass(frozen=True, slots=True)
class TaskInstanceItem:
    """One task of one run. From `queued_at` on, all is of the latest attempt, whose number is
    `try_number`: 0 before the first."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    state: TaskState
    try_number: int
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


@dataclass(frozen=True, slots=True)
class AttemptItem:
    """One attempt that has ended."""

    try_number: int
    outcome: Outcome
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime
    duration: float | None
    exit_code: int | None
    signal: int | None
    max_rss_bytes: int | None
    log_bytes: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImportErrorItem:
    """A file that could not be registered. `dag_id`: the DAG that it last held, active still."""

    file_key: str
    dag_id: str | None
    problems: tuple[Problem, ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class TickItem:
    """What one tick did, in numbers by name, and what went wrong in it."""

    started_at: datetime
    duration: float
    did: dict[str, int]
    errors: tuple[str, ...]


def build(cls: type[T], row: Row | Mapping[str, Any], **given: Any) -> T:
    """`cls` from the columns of its fields' names, converted by type, and from `given`."""
    key: Any = cls
    values = {name: read(row[name]) for name, read in _readers(key).items() if name not in given}
    return cls(**values, **given)


@lru_cache(maxsize=64)
def _readers(cls: Any) -> Mapping[str, Callable[[Any], Any]]:
    hints = get_type_hints(cls)
    return {spec.name: _READERS.get(hints[spec.name], _as_it_is) for spec in fields(cls)}


def _as_it_is(value: Any) -> Any:
    return value


def _texts(value: str) -> tuple[str, ...]:
    return tuple(json.loads(value))


_READERS: dict[Any, Callable[[Any], Any]] = {
    datetime: from_us,
    datetime | None: from_us,
    bool: bool,
    RunState: RunState,
    TaskState: TaskState,
    tuple[str, ...]: _texts,
    dict[str, int]: json.loads,
    tuple[Problem, ...]: lambda value: tuple(Problem(**problem) for problem in json.loads(value)),
}
