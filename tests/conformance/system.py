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

from chalicelib.claims import BucketClaims
from chalicelib.messages import (
    Attempt,
    Heartbeat,
    NotificationMessage,
    Result,
    TaskMessage,
    decode_report,
    decode_task,
)
from chalicelib.ports import Bucket, ReceivedMessage
from chalicelib.simulation.memory_claims import ObservedClaims
from chalicelib.simulation.scripted_executor import ScriptedExecutor
from chalicelib.simulation.virtual_clock import at_epoch
from tests.conformance.places import InThisProcess, RemotePlace, Runner
from tests.support.world import SUCCEED, World


class CommandExecutor(ScriptedExecutor):
    """Runs the commands where `runner` does, and reports when the clock says so."""

    def __init__(
        self, world: World, here: InThisProcess, runner: Runner, lasts: Mapping[str, float]
    ) -> None:
        super().__init__(world.loop, world.claims, world.report, lambda _: SUCCEED)
        self._lasts = lasts
        self._here, self._runner = here, runner
        self.most: Counter[str] = Counter()
        """Attempts at once: by task, and of all under `*`."""

    def take(self, message: ReceivedMessage) -> None:
        task = decode_task(message.body)
        if isinstance(task, NotificationMessage):
            self._notify(task, message)
            return
        begins = at_epoch(task.not_before or 0.0)
        if begins > self.loop.clock():
            self.loop.at(begins, lambda: self._run_command(task))
        else:
            self._run_command(task)

    def _notify(self, notification: NotificationMessage, message: ReceivedMessage) -> None:
        """Commands really; what would leave the machine is only noted."""
        if notification.how != "command":
            super().take(message)
            return
        self.notified.append(notification)
        self._pass_on(self._here.run(notification))

    def _run_command(self, task: TaskMessage) -> None:
        for result in self._pass_on(self._runner.run(task)):
            self._begin(task, result)

    def _pass_on(self, reports: list[str]) -> list[Result]:
        """Hand reports over, all but the results of commands: those are answered."""
        results = []
        for body in reports:
            report = decode_report(body)
            if isinstance(report, Result) and report.started_at is not None:
                results.append(report)
            else:
                self.report(body)
        return results

    def _begin(self, task: TaskMessage, result: Result) -> None:
        now = self.loop.clock()
        self.started.append((now, task))
        ends = now + timedelta(seconds=self._lasts.get(task.attempt.task_id, 0.0))
        at = now.timestamp()
        self.end_at(ends, replace(result, started_at=at, ended_at=ends.timestamp()))
        if ends > now:
            self.report(Heartbeat(task.attempt, started_at=at, at=at).encode())
        self._count()

    def _count(self) -> None:
        now = Counter(result.attempt.task_id for _, result in self.running)
        now["*"] = len(self.running)
        self.most |= now


class System(World):
    """A world whose executor runs commands, in `place` if that is not this process. `folder` is
    `$CASE` to them."""

    def __init__(
        self,
        folder: Path,
        begins: datetime,
        lasts: Mapping[str, float],
        secrets: Mapping[str, str],
        place: RemotePlace | None = None,
    ) -> None:
        super().__init__(folder, lambda_memory="384,2048", fargate="yes", worker_queues="*")
        self.clock.moment = self.begins = self.next_tick = begins
        if place is not None:
            self._keep_runs_in(place.runs)
        environ = {"PATH": os.environ["PATH"], "CASE": str(folder)}
        runs = self.scheduler.runs
        self._here = InThisProcess(runs, self.claims, self.clock, environ, secrets)
        runner = self._here if place is None else place.runner(folder, secrets)
        self.commands = CommandExecutor(self, self._here, runner, lasts)
        self.executor = self.commands

    def _keep_runs_in(self, runs: Bucket) -> None:
        self.claims = ObservedClaims(BucketClaims(runs), self._look_for_cancels)
        self.scheduler = replace(self.scheduler, runs=runs, claims=self.claims)

    def log_of(self, attempt: Attempt) -> list[str]:
        """The lines of its log without their stamps."""
        lines = self.read_log(attempt).splitlines()
        return [line.partition("Z ")[2] for line in lines]

    def close(self) -> None:
        self._here.close()
        super().close()
