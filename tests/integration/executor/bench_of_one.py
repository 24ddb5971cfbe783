"""An executor on ports in memory, running real commands in real time."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.claims import BucketClaims
from chalicelib.errors import Unavailable
from chalicelib.executor import Executor
from chalicelib.messages import Attempt, Heartbeat, Report, Result, TaskMessage, decode_report
from chalicelib.web.logs import read_log
from tests.support.fakes import FakeBucket, FakeQueue
from tests.support.waiting import HANG_SECONDS, eventually


def utc_now() -> datetime:
    return datetime.now(UTC)


class LeapingClock:
    """A clock for `Executor` that leaps ahead by `seconds` at each of `events`, in their order:
    time limits pass when a command is ready for it, however long it takes to be."""

    def __init__(self, *events: Callable[[], bool], seconds: float = 3600.0) -> None:
        self._events = list(events)
        self._seconds = seconds
        self._ahead = 0.0

    def __call__(self) -> float:
        while self._events and self._events[0]():
            del self._events[0]
            self._ahead += self._seconds
        return time.monotonic() + self._ahead


def standing_still() -> float:
    """A clock by which every command is over at once."""
    return 0.0


class Bench:
    """Runs one command after the other, each as a new attempt; `last` is the latest. `options` are
    those of the executor."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        runs: FakeBucket | None = None,
        results: FakeQueue | None = None,
        heartbeat_seconds: float = 30.0,
        **options: Any,
    ) -> None:
        self.runs = runs or FakeBucket()
        self.results = results or FakeQueue(utc_now)
        environ = {"PATH": os.environ["PATH"]} if environ is None else environ
        self.executor = Executor(
            self.runs,
            BucketClaims(self.runs),
            self.results,
            heartbeat_seconds,
            environ,
            utc_now,
            **options,
        )
        self.last = Attempt("dag", "run", "task", -1, 0)
        self.refusal = ""

    def message(self, command: str, **fields: Any) -> TaskMessage:
        self.last = Attempt("dag", "run", "task", -1, self.last.try_number + 1)
        return TaskMessage(self.last, command, **fields)

    def handle(self, message: TaskMessage, *, time_left: float = float("inf")) -> None:
        self.executor.handle(message.encode(), time_left=lambda: time_left)

    def run(self, command: str, *, time_left: float = float("inf"), **fields: Any) -> Result:
        """The result of running `command`."""
        self.handle(self.message(command, **fields), time_left=time_left)
        return self.result()

    def result(self) -> Result:
        """Return the result of the latest attempt, which has ended."""
        [result] = [report for report in self.reports() if isinstance(report, Result)]
        return result

    def start(self, command: str, **fields: Any) -> threading.Thread:
        """Run it in a thread of its own."""
        message = self.message(command, **fields)
        thread = threading.Thread(target=self._handle_until_stopped, args=(message,), daemon=True)
        thread.start()
        return thread

    def run_until(self, so: Callable[[], object], command: str, **fields: Any) -> Result:
        """The result of `command`, which waits for `$GO` to be there; that is made when `so`."""
        with tempfile.TemporaryDirectory() as folder:
            go = Path(folder, "go")
            thread = self.start(command, env={"GO": str(go)}, **fields)
            eventually(so)
            go.touch()
            thread.join(HANG_SECONDS)
        return self.result()

    def _handle_until_stopped(self, message: TaskMessage) -> None:
        try:
            self.handle(message)
        except Unavailable as error:
            self.refusal = str(error)

    def reports(self) -> list[Report]:
        """Return the reports of the latest attempt, in the order sent."""
        reports = [decode_report(body) for body in self.results.bodies()]
        return [r for r in reports if isinstance(r, (Result, Heartbeat)) and r.attempt == self.last]

    def heartbeats(self) -> list[Heartbeat]:
        return [report for report in self.reports() if isinstance(report, Heartbeat)]

    def wait_for_heartbeats(self, count: int) -> None:
        """Wait for so many more heartbeats, by which the supervisor has gone round."""
        before = len(self.heartbeats())
        eventually(lambda: len(self.heartbeats()) >= before + count)

    def log(self) -> str:
        """The latest attempt's whole log, stamps included."""
        content, offset = "", 0
        while (page := read_log(self.runs, self.last, offset)).content:
            content, offset = content + page.content, page.next_offset
        return content

    def output(self) -> list[str]:
        """The lines of its log without their stamps."""
        return [line.split("Z ", 1)[-1] for line in self.log().splitlines()]
