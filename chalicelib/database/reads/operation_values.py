"""Backfills, pools, workers and the journals, as reads return them; `dag_values` says what holds
for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.enums import (
    BackfillAction,
    BackfillState,
    NotificationEvent,
    NotificationState,
    Reprocess,
)
from chalicelib.notification_kinds import KindName


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill: runs for every fire time in a range, both ends included.

    Attributes:
        next_date: Next fire time to process; null once all have been processed.
        reprocess: Which existing runs to run again.
        max_active_runs: Maximum number of concurrent runs of this backfill.
        params: Values given for the DAG's params; its runs use the defaults of the others.
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
    params: dict[str, Any]
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
        file_key: The `_defaults.yaml` that defines the pool; null if a user did.
    """

    name: str
    slots: int
    description: str
    used: int
    waiting: int
    updated_at: datetime
    file_key: str | None


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
    """A notification about a run or a task, or about the installation itself.

    Attributes:
        dag_id: Null for a problem of the installation, such as a broken file.
        target: ARN of the topic, address, shell command, reference to a secret, or what may be seen
            of a URL or key.
        sends: Number of delivery attempts.
        reason: Error of the last delivery attempt; empty if there was none.
        due_at: When delivery is next attempted; null once delivered or given up.
    """

    id: int
    dag_id: str | None
    run_id: str | None
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
