"""The whole system, with real commands, on a clock that goes from one event straight to the next.

A command runs when its moment has come, and takes no time on that clock unless its case says how
long it `lasts`; its result is then held back for so long. So minutes and years are tested in
milliseconds, and what a command sees and does is real.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.errors import NotFound
from chalicelib.executor import Executor
from chalicelib.messages import (
    Attempt,
    Heartbeat,
    NotificationMessage,
    Result,
    TaskMessage,
    decode_report,
    decode_task,
)
from chalicelib.places import for_each_place
from chalicelib.ports import Clock, ReceivedMessage
from tests.support import known_tools
from tests.support.fakes import FakeQueue
from tests.support.world import SUCCEED, ScriptedExecutor, World

_NO_HEARTBEATS = 1e9


class TimedQueue(FakeQueue):
    """A queue that knows when its next hidden message appears."""

    def __init__(self, now: Clock) -> None:
        super().__init__(now)
        self._clock = now

    def next_moment(self) -> datetime | None:
        now = self._clock()
        return min((h.visible_at for h in self._held.values() if h.visible_at > now), default=None)


class KnownSecrets:
    """Holds what the case says, by reference."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, reference: str) -> str:
        if reference not in self._values:
            raise NotFound(f"{reference}: there is no such secret")
        return self._values[reference]


class CommandExecutor(ScriptedExecutor):
    """Runs the commands, and reports to the world when its clock says so."""

    def __init__(
        self, world: World, folder: Path, lasts: Mapping[str, float], secrets: Mapping[str, str]
    ) -> None:
        super().__init__(world, lambda _: SUCCEED)
        self._lasts = lasts
        self._early: list[tuple[datetime, str]] = []
        self._reports = FakeQueue(world.clock)
        self.most: Counter[str] = Counter()
        """Attempts at once: by task, and of all under `*`."""
        environ = {"PATH": os.environ["PATH"], "CASE": str(folder)}
        self.real = Executor(
            world.runs,
            world.claims,
            self._reports,
            _NO_HEARTBEATS,
            environ,
            world.clock,
            secrets=KnownSecrets(secrets),
            open_bucket=known_tools.open_bucket,
            own_environ={},
        )

    def take(self, message: ReceivedMessage) -> None:
        task = decode_task(message.body)
        if isinstance(task, NotificationMessage):
            self._tell(task, message)
        elif (begins := _moment(task.not_before or 0.0)) > self.world.clock():
            self._early.append((begins, message.body))
        else:
            self._run(task, message.body)

    def _tell(self, notice: NotificationMessage, message: ReceivedMessage) -> None:
        """Commands really; what would leave the machine is only noted."""
        if notice.how != "command":
            super().take(message)
            return
        self.told.append(notice)
        self.real.handle(message.body, time_left=lambda: 900.0)
        self._pass_on()

    def finish_due(self) -> None:
        now = self.world.clock()
        begin = [body for moment, body in self._early if moment <= now]
        self._early = [item for item in self._early if item[0] > now]
        for body in begin:
            self._run(TaskMessage.decode(body), body)
        super().finish_due()

    def _run(self, task: TaskMessage, body: str) -> None:
        self.real.handle(body, time_left=lambda: 900.0)
        for text in self._pass_on():
            result = decode_report(text)
            assert isinstance(result, Result)
            self._begin(task, result)

    def _pass_on(self) -> list[str]:
        """Hand reports over, all but the results of commands: those are answered."""
        results = []
        while batch := self._reports.receive(10):
            self._reports.delete(batch)
            for message in batch:
                report = decode_report(message.body)
                if isinstance(report, Result) and report.started_at is not None:
                    results.append(message.body)
                else:
                    self.world.report(message.body)
        return results

    def _begin(self, task: TaskMessage, result: Result) -> None:
        now = self.world.clock()
        self.started.append((now, task))
        ends = now + timedelta(seconds=self._lasts.get(task.attempt.task_id, 0.0))
        self.running.append((ends, replace(result, ended_at=ends.timestamp())))
        if ends > now:
            at = now.timestamp()
            self.world.report(Heartbeat(task.attempt, started_at=at, at=at).encode())
        self._count()

    def _count(self) -> None:
        now = Counter(result.attempt.task_id for _, result in self.running)
        now["*"] = len(self.running)
        self.most |= now

    def next_moment(self) -> datetime | None:
        return min((moment for moment, _ in (*self._early, *self.running)), default=None)


class System(World):
    """A world whose executor runs commands. `folder` is `$CASE` to them."""

    def __init__(
        self,
        folder: Path,
        begins: datetime,
        lasts: Mapping[str, float],
        secrets: Mapping[str, str],
    ) -> None:
        super().__init__(folder, lambda_memory="384,2048", fargate="yes", worker_queues="*")
        self.clock.moment = self.begins = self.next_tick = begins
        self.queues = [TimedQueue(self.clock), TimedQueue(self.clock)]
        self.tasks, self.results = self.queues
        # As in the local cloud, one executor is every place.
        self.task_queues = for_each_place(self.scheduler.places, lambda _: self.tasks)
        self.scheduler = replace(self.scheduler, task_queues=self.task_queues, results=self.results)
        self.commands = CommandExecutor(self, folder, lasts, secrets)
        self.executor = self.commands

    def next_look(self, end: datetime, step: float, *, ticking: bool) -> datetime:
        """The next event, of whatever kind."""
        moments = [queue.next_moment() for queue in self.queues]
        moments += [self.commands.next_moment(), self.next_tick if ticking else None]
        return min(end, *(moment for moment in moments if moment is not None))

    def log_of(self, attempt: Attempt) -> list[str]:
        """The lines of its log without their stamps."""
        lines = self.read_log(attempt).splitlines()
        return [line.partition("Z ")[2] for line in lines]

    def close(self) -> None:
        self.commands.real.stop()
        super().close()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
