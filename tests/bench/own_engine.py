"""The program without moto and botocore: the real scheduler, executor and loops in this process, on
a real file and a real folder, with queues that are a few lines long. What it costs is our own."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chalicelib import config
from chalicelib.claims import BucketClaims
from chalicelib.database import Database
from chalicelib.executor import Executor
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.local.loops import Executors, Results, start
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage, QueueDepth, ReceivedMessage
from chalicelib.scheduler import registration, results
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.utils.time import utc_now
from tests.support.fakes import FakeBucket

PARALLELISM = 4


class InstantQueue:
    """A Queue that hands out each message once, as soon as it is sent. For measuring only: it
    neither delays a message nor brings one back."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._changed = threading.Condition()
        self._numbers = itertools.count()

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        with self._changed:
            self._waiting.extend(message.body for message in messages)
            self._changed.notify(len(messages))

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        with self._changed:
            if not self._waiting and wait:
                self._changed.wait(wait)
            count = min(limit, len(self._waiting))
            return [self._hand_out(self._waiting.popleft()) for _ in range(count)]

    def _hand_out(self, body: str) -> ReceivedMessage:
        name = str(next(self._numbers))
        return ReceivedMessage(body, name, name, 1)

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        """Do nothing: no message comes back."""

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        """Do nothing: no message is held."""

    def depth(self) -> QueueDepth:
        return QueueDepth(len(self._waiting), 0, 0)


class OwnEngine:
    """Made on `folder`; `running` starts and stops its threads."""

    def __init__(self, folder: Path) -> None:
        self.tasks, self.results = InstantQueue(), InstantQueue()
        self.dags, runs = FakeBucket(), FolderBucket(folder / "runs")
        database = Database(folder / "database" / "orchestrator.db")
        database.create_if_missing()
        self.scheduler = SchedulerContext(
            database=database,
            task_queues={DEFAULT_PLACE: self.tasks},
            results=self.results,
            dead_letters=InstantQueue(),
            dags=self.dags,
            runs=runs,
            claims=BucketClaims(runs),
            settings=config.load({}),
            now=utc_now,
        )
        self.executor = Executor(
            runs=runs,
            claims=BucketClaims(runs),
            results=self.results,
            heartbeat_seconds=30.0,
            environ={"PATH": os.environ["PATH"]},
            now=utc_now,
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        executors = Executors(self.tasks, self._execute, PARALLELISM)
        executors.start(stop)
        applying = Results(self.results, self._apply, executors.is_crowded, stop)
        start("results", applying.step, stop)
        try:
            yield
        finally:
            stop.set()
            self.executor.stop()
            self.scheduler.database.close()

    def upload(self, key: str, text: str) -> None:
        self.dags.put(key, text.encode())
        registration.register(self.scheduler, [key])

    def run(self, dag_id: str) -> None:
        """Run the DAG to its end."""
        run_id, _ = run_commands.trigger_run(self.scheduler, dag_id, who="ann")
        while not self._has_ended(run_id):
            time.sleep(0.02)

    def _has_ended(self, run_id: str) -> bool:
        with self.scheduler.database.read() as tx:
            row = tx.one("SELECT ended_at FROM runs WHERE run_id = ?", (run_id,))
        return row is not None and row[0] is not None

    def _execute(self, message: ReceivedMessage) -> None:
        self.executor.handle(message.body, time_left=lambda: 900.0)

    def _apply(self, batch: list[ReceivedMessage]) -> None:
        results.apply_backlog(self.scheduler, [message.body for message in batch])
