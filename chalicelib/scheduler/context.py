"""What every use case is given, and the messages that leave when its transaction has been
committed."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.config import Settings
from chalicelib.dag.model import Dag
from chalicelib.database import Database, Transaction, dags, runs
from chalicelib.database.runs import Run
from chalicelib.errors import Unavailable
from chalicelib.messages import TaskMessage, Wake
from chalicelib.ports import Bucket, Clock, OutgoingMessage, Queue

log = logging.getLogger("orchestrator.scheduler")

MAKE_AHEAD = timedelta(seconds=5)
"""A run is made, and a retry queued, at most this long before its moment."""
WAKE_AHEAD = timedelta(seconds=3)
"""A wake-up arrives this long before the moment that it is for: time to start cold and to
commit."""
TICK_HORIZON = timedelta(seconds=120)
"""How far the tick looks ahead: EventBridge may leave almost two minutes between two ticks."""

MAX_DELAY = 900
"""SQS's own limit, in seconds."""


@dataclass(frozen=True)
class Scheduler:
    """The scheduler's surroundings. Build one in the composition root, or in a test with fakes."""

    database: Database
    tasks: Queue
    results: Queue
    dead_letters: Queue
    dags: Bucket
    runs: Bucket
    settings: Settings
    now: Clock


@dataclass
class Outbox:
    """Messages that a transaction decides on. They leave after its commit: a message for something
    that was rolled back must never exist, and one that is lost on the way is sent again by the
    tick."""

    now: datetime
    tasks: list[tuple[TaskMessage, datetime]] = field(default_factory=list)
    wakes: set[int] = field(default_factory=set)

    def task(self, message: TaskMessage, not_before: datetime) -> None:
        self.tasks.append((message, not_before))

    def wake(self, moment: datetime | None) -> None:
        """Ask to be woken for `moment`. Farther ahead than the tick looks, the tick will ask."""
        if moment is not None and moment <= self.now + TICK_HORIZON:
            self.wakes.add(math.ceil(moment.timestamp()))

    def send(self, scheduler: Scheduler) -> None:
        """Send all. What cannot be sent is logged and left to the tick: the commit stands."""
        try:
            if self.tasks:
                scheduler.tasks.send([self._task_out(*item) for item in self.tasks])
            if self.wakes:
                scheduler.results.send([self._wake_out(second) for second in sorted(self.wakes)])
        except Unavailable as error:
            log.warning("messages not sent, the tick will send them again: %s", error.message)

    def _task_out(self, message: TaskMessage, not_before: datetime) -> OutgoingMessage:
        # Whole seconds, rounded down: the executor waits out the rest, so that it starts on time.
        ahead = math.floor((not_before - self.now).total_seconds())
        delay = min(max(ahead, 0), MAX_DELAY)
        return OutgoingMessage(message.encode(), delay, message.attempt.dag_id)

    def _wake_out(self, second: int) -> OutgoingMessage:
        # Rounded up: a wake-up that came too early would find nothing due.
        ahead = math.ceil(second - self.now.timestamp() - WAKE_AHEAD.total_seconds())
        return OutgoingMessage(Wake(at=float(second)).encode(), min(max(ahead, 0), MAX_DELAY))


@dataclass(frozen=True)
class Work:
    """One transaction under way: what a decision needs at hand, and what it has read already. Only
    what never changes is kept: a definition, and the name and dates of a run."""

    tx: Transaction
    scheduler: Scheduler
    outbox: Outbox
    now: datetime
    _definitions: dict[int, Dag] = field(default_factory=dict)
    _runs: dict[str, Run] = field(default_factory=dict)

    def definition(self, version_id: int) -> Dag:
        """The DAG as that version says. Raises LookupError."""
        if version_id not in self._definitions:
            self._definitions[version_id] = dags.definition(self.tx, version_id)
        return self._definitions[version_id]

    def run(self, run_id: str) -> Run | None:
        """The run; its state is that of the first look."""
        if run_id not in self._runs:
            run = runs.find(self.tx, run_id)
            if run is None:
                return None
            self._runs[run_id] = run
        return self._runs[run_id]


@contextmanager
def working(scheduler: Scheduler, batch_id: str | None = None) -> Iterator[Work]:
    """One write transaction, and its messages after the commit. Nothing is sent if it fails."""
    now = scheduler.now()
    outbox = Outbox(now)
    with scheduler.database.write(batch_id) as tx:
        yield Work(tx, scheduler, outbox, now)
    outbox.send(scheduler)
