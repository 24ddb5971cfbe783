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
from datetime import datetime, timedelta
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
from chalicelib.ports import ReceivedMessage
from chalicelib.simulation.scripted_executor import ScriptedExecutor
from chalicelib.simulation.virtual_clock import at_epoch
from tests.support import known_tools
from tests.support.fakes import FakeQueue
from tests.support.world import SUCCEED, World

_NO_HEARTBEATS = 1e9


class KnownSecrets:
    """Holds what the case says, by reference."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, reference: str) -> str:
        if reference not in self._values:
            raise NotFound(f"{reference}: there is no such secret")
        return self._values[reference]


class CommandExecutor(ScriptedExecutor):
    """Runs the commands, and reports when the clock says so."""

    def __init__(
        self, world: World, folder: Path, lasts: Mapping[str, float], secrets: Mapping[str, str]
    ) -> None:
        super().__init__(world.loop, world.claims, world.report, lambda _: SUCCEED)
        self._lasts = lasts
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
            ignores_images=True,
        )

    def take(self, message: ReceivedMessage) -> None:
        task = decode_task(message.body)
        if isinstance(task, NotificationMessage):
            self._notify(task, message)
            return
        begins = at_epoch(task.not_before or 0.0)
        if begins > self.loop.clock():
            self.loop.at(begins, lambda: self._run_command(task, message.body))
        else:
            self._run_command(task, message.body)

    def _notify(self, notification: NotificationMessage, message: ReceivedMessage) -> None:
        """Commands really; what would leave the machine is only noted."""
        if notification.how != "command":
            super().take(message)
            return
        self.notified.append(notification)
        self.real.handle(message.body, time_left=lambda: 900.0)
        self._pass_on()

    def _run_command(self, task: TaskMessage, body: str) -> None:
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
                    self.report(message.body)
        return results

    def _begin(self, task: TaskMessage, result: Result) -> None:
        now = self.loop.clock()
        self.started.append((now, task))
        ends = now + timedelta(seconds=self._lasts.get(task.attempt.task_id, 0.0))
        self.end_at(ends, replace(result, ended_at=ends.timestamp()))
        if ends > now:
            at = now.timestamp()
            self.report(Heartbeat(task.attempt, started_at=at, at=at).encode())
        self._count()

    def _count(self) -> None:
        now = Counter(result.attempt.task_id for _, result in self.running)
        now["*"] = len(self.running)
        self.most |= now


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
        self.commands = CommandExecutor(self, folder, lasts, secrets)
        self.executor = self.commands

    def log_of(self, attempt: Attempt) -> list[str]:
        """The lines of its log without their stamps."""
        lines = self.read_log(attempt).splitlines()
        return [line.partition("Z ")[2] for line in lines]

    def close(self) -> None:
        self.commands.real.stop()
        super().close()
