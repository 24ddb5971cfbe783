"""The whole scheduler on a real SQLite file, with buckets and queues in memory and a clock that the
test moves.

`ScriptedExecutor` keeps the executor's side of the protocol (claim, heartbeat, result) without
running a command: what an attempt does is a function of the test's. Time passes only in
`World.play`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib import config
from chalicelib.claims import BucketClaims, Claim
from chalicelib.database.reads import task_instances
from chalicelib.enums import Claimant, Outcome
from chalicelib.messages import (
    Attempt,
    Heartbeat,
    NotificationMessage,
    NotificationResult,
    Result,
    TaskMessage,
    decode_task,
)
from chalicelib.places import DEFAULT_PLACE, Place, for_each_place, installed
from chalicelib.ports import OutgoingMessage, ReceivedMessage
from chalicelib.scheduler import registration, results
from chalicelib.scheduler.commands import runs
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.tick import Report, tick
from chalicelib.web.logs import read_source
from tests.support.databases import unhurried
from tests.support.fakes import FakeBucket, FakeClock, FakeQueue


@dataclass(frozen=True)
class Played:
    """What an attempt does: how it ends, after how many seconds. None: it dies without a word."""

    outcome: Outcome | None = Outcome.SUCCESS
    seconds: float = 0.1
    exit_code: int | None = 0
    outputs: dict[str, Any] = field(default_factory=dict)
    is_heard: bool = True  # False: it dies before its first heartbeat, too
    is_transient: bool = False
    is_permanent: bool = False
    reason: str = ""


SUCCEED = Played()
FAIL = Played(Outcome.FAILED, exit_code=1)
BUSY = Played(
    Outcome.FAILED, exit_code=None, is_heard=False, is_transient=True, reason="the store is busy"
)
DIE = Played(None)


@dataclass
class ScriptedExecutor:
    """Claims, says that it runs, and reports at the moment that its script says; `tells` says what
    becomes of a notice."""

    world: World
    script: Callable[[TaskMessage], Played]
    tells: Callable[[NotificationMessage], NotificationResult] = lambda notice: NotificationResult(
        notice.id, is_delivered=True
    )
    started: list[tuple[datetime, TaskMessage]] = field(default_factory=list)
    told: list[NotificationMessage] = field(default_factory=list)
    running: list[tuple[datetime, Result]] = field(default_factory=list)

    def take(self, message: ReceivedMessage) -> None:
        task = decode_task(message.body)
        if isinstance(task, NotificationMessage):
            self.told.append(task)
            self.world.report(self.tells(task).encode())
            return
        now = self.world.clock().timestamp()
        standing = self.world.claims.take(task.attempt, Claim(Claimant.EXECUTOR, now))
        if standing is not None:
            self._lose(task.attempt, standing)
            return
        begins = max(self.world.clock(), _moment(task.not_before or 0.0))
        self.started.append((begins, task))
        played = self.script(task)
        if played.is_heard:
            at = begins.timestamp()
            self.world.report(Heartbeat(task.attempt, started_at=at, at=at).encode())
        if played.outcome is not None:
            ends = begins + timedelta(seconds=played.seconds)
            result = Result(
                task.attempt,
                played.outcome,
                started_at=begins.timestamp(),
                ended_at=ends.timestamp(),
                exit_code=played.exit_code,
                outputs=played.outputs,
                is_transient=played.is_transient,
                is_permanent=played.is_permanent,
                reason=played.reason,
            )
            self.running.append((ends, result))

    def _lose(self, attempt: Attempt, standing: Claim) -> None:
        if standing.by is Claimant.SCHEDULER:
            self.world.report(Result(attempt, Outcome.CANCELLED).encode())
        else:
            at = standing.claimed_at
            self.world.report(Heartbeat(attempt, started_at=at, at=at, claimed=True).encode())

    def finish_due(self) -> None:
        now = self.world.clock()
        self._cancel(now)
        done = [item for item in self.running if item[0] <= now]
        self.running = [item for item in self.running if item[0] > now]
        for _, result in done:
            self.world.report(result.encode())

    def _cancel(self, now: datetime) -> None:
        """What is marked to be stopped ends now."""
        for item in list(self.running):
            if self.world.claims.is_cancel_requested(item[1].attempt):
                self.running.remove(item)
                result = replace(item[1], outcome=Outcome.CANCELLED, ended_at=now.timestamp())
                self.world.report(replace(result, exit_code=None, outputs={}).encode())


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=FakeClock().moment.tzinfo)


class World:
    """Everything a use case needs, and what its messages bring about."""

    def __init__(
        self, folder: Path, script: Callable[[TaskMessage], Played] = lambda _: SUCCEED, **env: str
    ) -> None:
        self.clock = FakeClock()
        self.tasks = FakeQueue(self.clock)
        self.results = FakeQueue(self.clock)
        self.dead_letters = FakeQueue(self.clock)
        self.dags = FakeBucket()
        self.runs = FakeBucket()
        self.claims = BucketClaims(self.runs)
        self.database = unhurried(folder / "db" / "orchestrator.db")
        self.database.create_if_missing()
        settings = config.load({f"ORCHESTRATOR_{k.upper()}": v for k, v in env.items()})
        self.task_queues = self._task_queues(settings)
        self.scheduler = SchedulerContext(
            database=self.database,
            task_queues=self.task_queues,
            results=self.results,
            dead_letters=self.dead_letters,
            dags=self.dags,
            runs=self.runs,
            claims=self.claims,
            settings=settings,
            now=self.clock,
        )
        self.executor = ScriptedExecutor(self, script)
        self.next_tick = self.clock()

    def _task_queues(self, settings: config.Settings) -> Mapping[str, FakeQueue]:
        def queue_of(place: Place) -> FakeQueue:
            return self.tasks if place.name == DEFAULT_PLACE else FakeQueue(self.clock)

        return for_each_place(installed(settings), queue_of)

    def change_places(self, **settings: str) -> None:
        """Deploy with these settings of places. What the queues of removed places hold is lost."""
        changed = replace(self.scheduler.settings, **settings)  # type: ignore[arg-type]
        self.task_queues = self._task_queues(changed)
        self.scheduler = replace(self.scheduler, settings=changed, task_queues=self.task_queues)

    def upload(self, text: str, key: str = "dag.yaml") -> int:
        """Put the file and let its event arrive."""
        self.dags.put(key, text.encode())
        return registration.register(self.scheduler, [key])

    def remove(self, key: str = "dag.yaml") -> int:
        self.dags.delete([key])
        return registration.register(self.scheduler, [key])

    def request(self, dag_id: str, *, who: str = "ann", **options: Any) -> str:
        return runs.trigger_run(self.scheduler, dag_id, who=who, **options)[0]

    def report(self, body: str) -> None:
        self.results.send([OutgoingMessage(body)])

    def tick(self) -> Report:
        return tick(self.scheduler)

    def apply(self) -> int:
        """Hand over what lies in the results queue, as one batch."""
        batch: list[ReceivedMessage] = []
        while more := self.results.receive(10):
            batch += more
        if batch:
            results.apply(self.scheduler, [message.body for message in batch])
            self.results.delete(batch)
        return len(batch)

    def execute(self) -> int:
        """Hand the visible task messages to executors."""
        taken = 0
        for queue in self.task_queues.values():
            while batch := queue.receive(10):
                for message in batch:
                    self.executor.take(message)
                queue.delete(batch)
                taken += len(batch)
        return taken

    def settle(self) -> None:
        """Deliver all that can be delivered at this very moment."""
        for _ in range(10_000):
            self.executor.finish_due()
            if not self.apply() and not self.execute():
                return
        raise AssertionError("messages go round in circles")

    def play(self, seconds: float, *, step: float = 0.25, ticking: bool = True) -> None:
        """Let time pass, with a tick every minute."""
        end = self.clock() + timedelta(seconds=seconds)
        while True:
            if ticking and self.clock() >= self.next_tick:
                self.tick()
                self.next_tick = self.clock() + timedelta(seconds=60)
            self.settle()
            if self.clock() >= end:
                return
            self.clock.moment = self.next_look(end, step, ticking=ticking)

    def next_look(self, end: datetime, step: float, *, ticking: bool) -> datetime:
        """The moment at which `play`, which lasts until `end`, looks again."""
        return self.clock() + timedelta(seconds=step)

    def all(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self.database.read() as tx:
            return [tuple(row) for row in tx.all(sql, params)]

    def run_state(self, run_id: str) -> str:
        return str(self.all("SELECT state FROM runs WHERE run_id = ?", run_id)[0][0])

    def task_states(self, run_id: str) -> dict[str, str]:
        sql = (
            "SELECT task_id, t.state FROM task_instances t JOIN runs r ON r.id = t.run_key"
            " WHERE run_id = ? ORDER BY t.id"
        )
        return dict(self.all(sql, run_id))

    def read_log(self, attempt: Attempt) -> str:
        """The whole log of an attempt, wherever it is."""
        names = (attempt.run_id, attempt.task_id, attempt.map_index)
        with self.database.read() as tx:
            source = task_instances.log_source(tx, *names, attempt.try_number, attempt.poke)
        assert source is not None
        return read_source(self.runs, source, 0).content

    def close(self) -> None:
        self.database.close()
