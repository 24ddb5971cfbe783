"""Scheduler, database lock, queues and executors, connected: the real code decides, and what it
does takes as long as it would on AWS."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from chalicelib import config
from chalicelib.claims import Claim
from chalicelib.database.connection import sqlite
from chalicelib.enums import Claimant, Outcome
from chalicelib.messages import Attempt, Heartbeat, Result, TaskMessage
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage, QueueDepth, ReceivedMessage
from chalicelib.scheduler import registration, results
from chalicelib.scheduler.commands import runs
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.tick import tick
from chalicelib.simulation.event_loop import EventLoop
from chalicelib.simulation.memory_bucket import MemoryBucket
from chalicelib.simulation.memory_claims import MemoryClaims
from chalicelib.simulation.memory_queue import MemoryQueue
from chalicelib.simulation.throwaway_database import throwaway_database
from chalicelib.simulation.virtual_clock import VirtualClock, at_epoch
from tests.bench.aws.deployment import Deployment
from tests.bench.aws.efs import Efs
from tests.bench.aws.functions import Function, Sandbox
from tests.bench.aws.latencies import LATENCIES, fact
from tests.bench.aws.pollers import EventSourceMapping

ENTRIES_AT_ONCE = 10
"""Messages that one request of SQS carries."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command, with the times at which it started and ended."""

    attempt: Attempt
    started_at: datetime
    ended_at: datetime


class HeldQueue:
    """A Queue as a function of the scheduler has it. What is sent is held until the simulation lets
    it go, after the commit; `requests` counts what the function asks of SQS."""

    def __init__(self, queues: Sequence[MemoryQueue]) -> None:
        self._queues = queues
        self.held: list[OutgoingMessage] = []
        self.requests = 0
        self._turn = 0

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        self.held += messages

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        self.requests += 1
        return self._queues[0].receive(limit, wait=wait)

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        self.requests += -(-len(messages) // ENTRIES_AT_ONCE)
        self._queues[0].delete(messages)

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        self._queues[0].hide(messages, seconds)

    def depth(self) -> QueueDepth:
        return self._queues[0].depth()

    def release(self, count: int) -> None:
        """Let the oldest `count` messages arrive now, spread over the queues."""
        messages, self.held = self.held[:count], self.held[count:]
        for message in messages:
            self._queues[self._turn % len(self._queues)].send([message])
            self._turn += 1


class SimulatedAws:
    """An installation on AWS, idle and cold. Commands last as long as `seconds_of` says."""

    def __init__(
        self,
        folder: Path,
        deployment: Deployment,
        seed: int,
        seconds_of: Callable[[TaskMessage], float],
        begins: datetime,
    ) -> None:
        self.deployment = deployment
        self.loop = EventLoop(VirtualClock(begins))
        self.ran: list[Ran] = []
        self.transactions = 0
        self.ended_runs = (-1, 0)
        self.rows = 0
        self._random = random.Random(seed)
        self._seconds_of = seconds_of
        self._connections: list[Any] = []
        self._lock_free_at = begins
        self._last_writer: Sandbox | None = None
        self._efs = Efs(self._random)
        self._claims = MemoryClaims()
        self._make_functions()
        self._make_mappings()
        self._make_scheduler(folder)
        self._schedule_tick()

    def _make_functions(self) -> None:
        chosen, random_ = self.deployment, self._random
        self.apply = Function(chosen.apply_mb, random_, has_database=True)
        self.api = Function(512, random_, has_database=True)
        self.tick = Function(512, random_, has_database=True)
        self.execute = Function(chosen.task_mb, random_, has_database=False)

    def _make_mappings(self) -> None:
        chosen = self.deployment
        self._results = EventSourceMapping(
            self.loop,
            self._random,
            self._apply,
            batch_size=chosen.apply_batch,
            concurrency=chosen.apply_at_once,
            window_seconds=chosen.apply_window_s,
            visibility=180.0,
        )
        self._tasks = [
            EventSourceMapping(
                self.loop,
                self._random,
                self._execute,
                batch_size=1,
                concurrency=chosen.concurrency // chosen.task_queues,
                provisioned=chosen.provisioned_pollers,
            )
            for _ in range(chosen.task_queues)
        ]

    def _make_scheduler(self, folder: Path) -> None:
        database = throwaway_database(folder / "db" / "orchestrator.db", self._connections.append)
        database.create_if_missing()
        self.tasks_out = HeldQueue([mapping.queue for mapping in self._tasks])
        self.results_out = HeldQueue([self._results.queue])
        self.scheduler = SchedulerContext(
            database=database,
            task_queues={DEFAULT_PLACE: self.tasks_out},
            results=self.results_out,
            dead_letters=HeldQueue([MemoryQueue(self.loop.clock)]),
            dags=MemoryBucket(),
            runs=MemoryBucket(),
            claims=self._claims,
            settings=config.load({}),
            now=self.loop.clock,
        )

    def close(self) -> None:
        self.scheduler.database.close()

    def register(self, files: dict[str, str]) -> None:
        """Register DAG files, which takes no time."""
        for key, text in files.items():
            self.scheduler.dags.put(key, text.encode())
        registration.register(self.scheduler, list(files))
        self._let_go()

    def request(self, dag_id: str) -> None:
        """Ask for a run through the API, now."""

        def handle() -> None:
            def decide() -> None:
                runs.trigger_run(self.scheduler, dag_id, who="ann")

            self._transaction(sandbox, decide, lambda: self.api.end(sandbox))

        sandbox, starting = self.api.begin()
        gateway = LATENCIES["api_gateway"].sample(self._random)
        self.loop.after(gateway + starting, handle)

    def play_until(self, is_over: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until it is over, for at most that many seconds. Returns whether it is."""
        end = self.loop.clock() + timedelta(seconds=seconds)
        return self.loop.run_while(lambda: not is_over(), end)

    def _schedule_tick(self) -> None:
        """EventBridge, shortly after each full minute."""
        minute = (self.loop.clock() + timedelta(minutes=1)).replace(second=0, microsecond=0)
        late = min(LATENCIES["schedule"].sample(self._random), 55.0)

        def begin() -> None:
            self._schedule_tick()
            sandbox, starting = self.tick.begin()
            self.loop.after(starting, lambda: handle(sandbox))

        def handle(sandbox: Sandbox) -> None:
            over = partial(self.tick.end, sandbox)
            self._transaction(sandbox, lambda: tick(self.scheduler), over)

        self.loop.at(minute + timedelta(seconds=late), begin)

    def _apply(self, batch: Sequence[ReceivedMessage], done: Callable[[], None]) -> None:
        sandbox, starting = self.apply.begin()
        bodies = [message.body for message in batch]

        def decide() -> None:
            results.apply_backlog(self.scheduler, bodies)

        def over() -> None:
            self.apply.end(sandbox)
            done()

        self.loop.after(starting, lambda: self._transaction(sandbox, decide, over))

    def _transaction(
        self, sandbox: Sandbox, decide: Callable[[], object], over: Callable[[], None]
    ) -> None:
        """Let the real code decide once it has the lock. Its commit, and so the end of the lock,
        comes as much later as it takes on AWS, and its messages after that."""
        now = self.loop.clock()
        if now < self._lock_free_at:
            retry = self._random.uniform(0.0, 2 * fact("lock_retry_ms") / 1000)
            wait = (self._lock_free_at - now).total_seconds() + retry
            self.loop.after(wait, lambda: self._transaction(sandbox, decide, over))
            return
        before, requests = self._changes(), self.results_out.requests
        decide()
        rows = self._changes() - before
        asked = self.results_out.requests - requests
        seconds = self._seconds_of_transaction(sandbox, rows)
        seconds += asked * self._request_seconds(sandbox.function)
        self._lock_free_at = now + timedelta(seconds=seconds)
        self.transactions += 1
        self.rows += rows
        self.loop.after(seconds, lambda: self._send(sandbox.function, over))

    def _changes(self) -> int:
        """Rows changed so far, by the connections that are open."""
        return sum(_changes_of(connection) for connection in self._connections)

    def _seconds_of_transaction(self, sandbox: Sandbox, rows: int) -> float:
        is_own = self._last_writer is sandbox
        if rows:
            self._last_writer = sandbox
        processor = fact("processor_ms_per_transaction") + rows * fact("processor_ms_per_row")
        efs = self._efs.commit(rows, is_own=is_own) if rows else self._efs.read()
        return efs + sandbox.function.seconds_of(processor / 1000)

    def _request_seconds(self, function: Function) -> float:
        processor = function.seconds_of(fact("processor_ms_per_request") / 1000)
        return processor + LATENCIES["sqs_request"].sample(self._random)

    def _send(self, function: Function, over: Callable[[], None]) -> None:
        """Send what the transaction decided to send, ten messages a request."""
        held = [queue for queue in (self.tasks_out, self.results_out) if queue.held]
        if not held:
            over()
            return
        for _ in range(self.deployment.concurrent_sends):
            if held[0].held:
                held[0].release(ENTRIES_AT_ONCE)
        self.loop.after(self._request_seconds(function), lambda: self._send(function, over))

    def _let_go(self) -> None:
        for queue in (self.tasks_out, self.results_out):
            queue.release(len(queue.held))

    def _execute(self, batch: Sequence[ReceivedMessage], done: Callable[[], None]) -> None:
        task = TaskMessage.decode(batch[0].body)
        claim = LATENCIES[f"claim_{self.deployment.claims}"].sample(self._random)
        before = self.execute.seconds_of(fact("processor_ms_before_command") / 1000)
        sandbox, starting = self.execute.begin()

        def over() -> None:
            self.execute.end(sandbox)
            done()

        self.loop.after(starting + claim + before, lambda: self._start(task, over))

    def _start(self, task: TaskMessage, over: Callable[[], None]) -> None:
        now = self.loop.clock()
        claim = Claim(Claimant.EXECUTOR, now.timestamp())
        if self._claims.take(task.attempt, claim) is not None:
            over()
            return
        started = max(now, at_epoch(task.not_before or 0.0))
        ended = started + timedelta(seconds=self._seconds_of(task))
        self.ran.append(Ran(task.attempt, started, ended))
        at = started + timedelta(seconds=fact("first_heartbeat_seconds"))
        while at < ended:
            beat = Heartbeat(task.attempt, started.timestamp(), at.timestamp())
            self.loop.at(at, lambda beat=beat: self._report(beat.encode()))  # type: ignore[misc]
            at += timedelta(seconds=fact("heartbeat_seconds"))
        self.loop.at(ended, lambda: self._finish(task.attempt, started, ended, over))

    def _finish(
        self, attempt: Attempt, started: datetime, ended: datetime, over: Callable[[], None]
    ) -> None:
        result = Result(
            attempt, Outcome.SUCCESS, started.timestamp(), ended.timestamp(), exit_code=0
        )
        processor = self.execute.seconds_of(fact("processor_ms_per_request") / 1000)

        def send() -> None:
            self._report(result.encode())
            self.loop.after(LATENCIES["sqs_request"].sample(self._random), over)

        self.loop.after(processor, send)

    def _report(self, body: str) -> None:
        self._results.queue.send([OutgoingMessage(body)])


def _changes_of(connection: Any) -> int:
    try:
        return int(connection.total_changes)
    except sqlite.ProgrammingError:  # closed: its changes were counted before
        return 0
