"""What every use case is given, and what one transaction leaves to be done: runs to look at again,
slots to fill, and the messages that leave when it has been committed."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.config import Settings
from chalicelib.dag.model import Dag
from chalicelib.dag.states import RunState
from chalicelib.database import (
    Database,
    IntegrityError,
    Transaction,
    definitions,
    outputs,
    runs,
)
from chalicelib.database.runs import Run
from chalicelib.database.task_instances import TaskInstance
from chalicelib.errors import OrchestratorError
from chalicelib.messages import Attempt, Notice, Result, TaskMessage, Wake
from chalicelib.ports import Bucket, Clock, OutgoingMessage, Queue
from chalicelib.scheduler import claims

log = logging.getLogger("orchestrator.scheduler")

MAKE_AHEAD = timedelta(seconds=5)
"""A run is made, and a retry queued, at most this long before its moment."""
WAKE_AHEAD = timedelta(seconds=3)
"""A wake-up arrives this long before its moment: time to start cold and to commit."""
TICK_HORIZON = timedelta(seconds=120)
"""How far the tick looks ahead: EventBridge may leave almost two minutes between two ticks."""

BAD_DATA = (ValueError, OverflowError, LookupError, TypeError, IntegrityError)
"""What bad data may raise. Anything else is a fault of ours or of the disk: nothing is
committed."""

STOPPED_AT_ONCE = 16
"""Attempts: each takes up to three requests, and somebody waits for the answer to a cancel."""

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
    """What a transaction decides to send. It leaves after the commit: a message for something that
    was rolled back must never exist, and one that is lost on the way is sent again by the tick."""

    now: datetime
    tasks: list[tuple[TaskMessage, datetime]] = field(default_factory=list)
    notices: list[tuple[Notice, str]] = field(default_factory=list)
    wakes: set[int] = field(default_factory=set)
    stops: list[Attempt] = field(default_factory=list)

    def task(self, message: TaskMessage, not_before: datetime) -> None:
        self.tasks.append((message, not_before))

    def wake(self, moment: datetime | None) -> None:
        """Ask to be woken for `moment`. Farther ahead than the tick looks, the tick will ask."""
        if moment is not None and moment <= self.now + TICK_HORIZON:
            self.wakes.add(math.ceil(moment.timestamp()))

    def wake_after(self, moment: datetime | None) -> None:
        """The same for something that no executor waits for: right after its moment, not before."""
        self.wake(None if moment is None else moment + WAKE_AHEAD)

    def mark(self) -> tuple[int, int, int]:
        """Where it stands now, for `back_to`."""
        return len(self.tasks), len(self.notices), len(self.stops)

    def back_to(self, mark: tuple[int, int, int]) -> None:
        """Forget what came since. Wake-ups stay: one too many finds nothing due."""
        tasks, notices, stops = mark
        del self.tasks[tasks:], self.notices[notices:], self.stops[stops:]

    def send(self, scheduler: Scheduler) -> None:
        """Send all. What cannot be sent is logged and left to the tick: the commit stands."""
        for send in (self._send_tasks, self._send_wakes, self._send_stops):
            try:
                send(scheduler)
            except OrchestratorError as error:
                log.error("messages not sent, the tick will send them again: %s", error.message)

    def _send_tasks(self, scheduler: Scheduler) -> None:
        messages = [self._task_out(*item) for item in self.tasks]
        messages += [OutgoingMessage(n.encode(), 0, dag_id) for n, dag_id in self.notices]
        if messages:
            scheduler.tasks.send(messages)

    def _send_wakes(self, scheduler: Scheduler) -> None:
        if self.wakes:
            scheduler.results.send([self._wake_out(second) for second in sorted(self.wakes)])

    def _send_stops(self, scheduler: Scheduler) -> None:
        if self.stops and (reports := self._stop(scheduler)):
            scheduler.results.send(reports)

    def _task_out(self, message: TaskMessage, not_before: datetime) -> OutgoingMessage:
        # Whole seconds, rounded down: the executor waits out the rest, so that it starts on time.
        ahead = math.floor((not_before - self.now).total_seconds())
        delay = min(max(ahead, 0), MAX_DELAY)
        return OutgoingMessage(message.encode(), delay, message.attempt.dag_id)

    def _wake_out(self, second: int) -> OutgoingMessage:
        # Rounded up: a wake-up that came too early would find nothing due.
        ahead = math.ceil(second - self.now.timestamp() - WAKE_AHEAD.total_seconds())
        return OutgoingMessage(Wake(at=float(second)).encode(), min(max(ahead, 0), MAX_DELAY))

    def _stop(self, scheduler: Scheduler) -> list[OutgoingMessage]:
        """Claim what has not begun, so that it never will, and mark the rest to be stopped."""

        def is_kept(attempt: Attempt) -> bool:
            return claims.stop(scheduler.runs, attempt, self.now)

        with ThreadPoolExecutor(STOPPED_AT_ONCE) as pool:
            kept = list(zip(self.stops, pool.map(is_kept, self.stops), strict=True))
        reason = "cancelled before it began"
        results = [Result(attempt, "cancelled", reason=reason) for attempt, never in kept if never]
        return [OutgoingMessage(result.encode()) for result in results]


@dataclass
class Work:
    """One transaction under way.

    `closed` are runs that ended before they were let in, for those who wait for them; `held_up` are
    tasks that wait for the run before theirs (run_id, task_id: and that run's id); `touched` are
    runs of which something changed; `run_slots`, `task_slots` and `pools` are DAGs and pools in
    which something may begin. Whoever changes a state notes it there, and `settle` follows it up
    before the commit, so that no change can be forgotten. `left_out` tells what `apart` undid. What
    has been read and never changes is kept.
    """

    tx: Transaction
    scheduler: Scheduler
    outbox: Outbox
    now: datetime
    closed: dict[str, RunState] = field(default_factory=dict)
    held_up: dict[tuple[str, str], str] = field(default_factory=dict)
    touched: dict[str, None] = field(default_factory=dict)
    run_slots: set[str] = field(default_factory=set)
    task_slots: set[str] = field(default_factory=set)
    pools: set[str] = field(default_factory=set)
    backfills: set[int] = field(default_factory=set)
    begun: int = 0
    left_out: list[str] = field(default_factory=list)
    _definitions: dict[int, Dag] = field(default_factory=dict)
    _runs: dict[int, Run] = field(default_factory=dict)
    _outputs: dict[tuple[int, str], Any] = field(default_factory=dict)
    _output_texts: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block did if it raises, rows and messages; the error comes through."""
        mark = self.outbox.mark()
        try:
            with self.tx.savepoint():
                yield
        except BaseException:
            self.outbox.back_to(mark)
            raise

    @contextmanager
    def apart(self, what: str, **about: Any) -> Iterator[None]:
        """What bad data raises in the block is logged, noted in `left_out`, and undone: of many
        things that one pass looks after, a bad one must not stand in the way of the others."""
        try:
            with self.savepoint():
                yield
        except BAD_DATA as error:
            log.exception("%s is left out of this pass", what, extra=about)
            ids = ", ".join(f"{name} {value}" for name, value in about.items())
            self.left_out.append(f"{what} ({ids}): {type(error).__name__}: {error}")

    def touch(self, run_id: str) -> None:
        """Something of this run changed."""
        self.touched[run_id] = None

    def definition(self, version_id: int) -> Dag:
        """The DAG as that version says. Raises LookupError."""
        if version_id not in self._definitions:
            self._definitions[version_id] = definitions.definition(self.tx, version_id)
        return self._definitions[version_id]

    def definition_of(self, task: TaskInstance, run: Run) -> Dag:
        """The DAG as the version says that the task's latest attempt was queued with: its message
        must not change when it is sent again. Raises LookupError."""
        if task.version in (None, run.version):
            return self.definition(run.version_id)
        return self.definition(definitions.key_of(self.tx, run.dag_id, task.version))

    def run(self, run_id: str) -> Run | None:
        """The run as it is now."""
        return runs.find(self.tx, run_id)

    def run_of(self, task: TaskInstance) -> Run:
        """The run of a task instance: what of it never changes is read once."""
        if task.run_key not in self._runs:
            run = self.run(task.attempt.run_id)
            if run is None:
                raise LookupError(f"run {task.attempt.run_id} is missing")
            self._runs[task.run_key] = run
        return self._runs[task.run_key]

    def outputs(self, run_key: int, task_id: str, *, is_expanded: bool) -> Mapping[str, Any]:
        """What the task wrote: by name its value, or the list of all copies' values in order."""
        key = (run_key, task_id)
        if key not in self._outputs:
            rows = outputs.of_task(self.tx, run_key, task_id)
            self._outputs[key] = (
                _gathered(rows) if is_expanded else dict(rows[0][1] if rows else {})
            )
        found: Mapping[str, Any] = self._outputs[key]
        return found

    def output_texts(
        self, run_key: int, task_id: str, make: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """A task's outputs as variables, made once for all the copies that are given them."""
        key = (run_key, task_id)
        if key not in self._output_texts:
            self._output_texts[key] = make()
        return self._output_texts[key]

    def forget_outputs(self, run_key: int, task_id: str) -> None:
        """The task has written anew."""
        self._outputs.pop((run_key, task_id), None)
        self._output_texts.pop((run_key, task_id), None)


def _gathered(rows: list[tuple[int, dict[str, Any]]]) -> dict[str, list[Any]]:
    gathered: dict[str, list[Any]] = {}
    for _, values in rows:
        for name, value in values.items():
            gathered.setdefault(name, []).append(value)
    return gathered
