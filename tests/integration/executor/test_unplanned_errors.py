"""An error that nobody planned, at every place where one can come: the attempt ends with a stated
reason or its message comes back, its command does not live on, and its neighbours complete."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from chalicelib.executor import (
    attempt,
    cleanup,
    log_lines,
    masking,
    memory,
    outputs,
    supervisor,
)
from chalicelib.executor.notifications import command, webhook
from chalicelib.messages import (
    Attempt,
    NotificationMessage,
    NotificationResult,
    Result,
    TaskMessage,
    decode_report,
)
from chalicelib.ports import OutgoingMessage
from tests.integration.executor.bench_of_one import Bench, utc_now
from tests.integration.executor.test_stopping import lives, pids
from tests.support.fakes import FakeBucket, FakeQueue

SECRET = "hunter2-hunter2"
ERRORS: list[Exception] = [
    RuntimeError(f"nobody planned this, nor that it holds {SECRET}"),
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    KeyError(SECRET),
    OSError(5, "Input/output error"),
]


class Trap:
    """Raises `error` where `bad` is at hand."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.is_set = False

    def spring(self, *_: Any, **__: Any) -> Any:
        if self.is_set:
            raise self.error

    def before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self.spring()
            return real(*args, **named)

        return call


class TrappedBucket(FakeBucket):
    def __init__(self, trap: Trap, *methods: str) -> None:
        super().__init__()
        for name in methods:
            setattr(self, name, trap.before(getattr(self, name)))


class TrappedQueue(FakeQueue):
    """Refuses what holds `word`."""

    def __init__(self, trap: Trap, word: str) -> None:
        super().__init__(utc_now)
        self.trap, self.word = trap, word

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        if any(self.word in message.body for message in messages):
            self.trap.spring()
        super().send(messages)


class Trapped:
    """Stands for secrets, credentials, topics and the processes of a sandbox."""

    def __init__(self, trap: Trap) -> None:
        self.trap = trap

    def get(self, reference: str) -> str:
        self.trap.spring()
        return SECRET

    def environ(self, seconds: float) -> dict[str, str]:
        self.trap.spring()
        return {}

    def publish(self, topic: str, subject: str, body: str) -> None:
        self.trap.spring()

    def kill_orphans(self) -> int:
        self.trap.spring()
        return 0


def options(place: str, trap: Trap) -> dict[str, Any]:
    """An executor with a trap in one of its ports."""
    ports: dict[str, dict[str, Any]] = {
        "claim": {"runs": TrappedBucket(trap, "create")},
        "log upload": {"runs": TrappedBucket(trap, "put")},
        "cancellation": {"runs": TrappedBucket(trap, "get")},
        "heartbeat": {"results": TrappedQueue(trap, '"heartbeat"')},
        "result": {"results": TrappedQueue(trap, '"result"')},
        "outputs in the result": {"results": TrappedQueue(trap, '"a":"x"')},
        "secrets": {"secrets": Trapped(trap)},
        "role": {"credentials": Trapped(trap)},
    }
    return {"secrets": Trapped(Trap(RuntimeError())), **ports.get(place, {})}


INSIDE: dict[str, tuple[object, str]] = {
    "workspace": (tempfile, "gettempdir"),
    "start": (subprocess, "Popen"),
    "watch": (supervisor, "Supervisor"),
    "poll": (supervisor.Supervisor, "_keep_time"),
    "read": (supervisor.Supervisor, "_read"),
    "memory probe": (memory, "_text"),
    "masking": (masking.MaskedStream, "feed"),
    "masking of a text": (masking.Mask, "hide"),
    "masking at the end": (masking.MaskedStream, "finish"),
    "lines": (log_lines.LineMaker, "feed"),
    "outputs": (outputs, "collect"),
    "verdict": (attempt, "verdict_of"),
    "log": (attempt, "AttemptLog"),
    "clean-up": (cleanup.Removal, "run"),
    "clean-up of a folder": (os, "scandir"),
}
COMES_BACK = {"claim", "result"}
GOES_ON = {
    "log upload",
    "cancellation",
    "heartbeat",
    "memory probe",
    "lines",
    "clean-up",
    "clean-up of a folder",
    "orphans",
}
LOG_SUFFERS = {"log upload", "lines"}
PORTS = [
    "claim",
    "log upload",
    "cancellation",
    "heartbeat",
    "result",
    "outputs in the result",
    "secrets",
    "role",
    "orphans",
]
PLACES = [*PORTS, *INSIDE]
CASES = [(place, ERRORS[0]) for place in PLACES]
CASES += [(place, ERRORS[1 + number % 4]) for number, place in enumerate(PLACES)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(supervisor, "FIRST_HEARTBEAT", 0.01)


def message(number: int, folder: Path) -> TaskMessage:
    command = f"""
        echo $$ > {folder}/{number}; echo $S
        touch left; echo a=x > "$DAG_OUTPUT"; sleep 0.1
    """
    name = Attempt("d", "r", "t", number, 1)
    return TaskMessage(name, command, outputs=["a"], secrets={"S": "ssm:/s"})


def results(queue: FakeQueue) -> dict[int, Result]:
    found = [decode_report(body) for body in queue.bodies()]
    return {r.attempt.map_index: r for r in found if isinstance(r, Result)}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("place", "error"), CASES)
def test_an_error_anywhere_ends_its_attempt_and_nothing_else(
    place: str, error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trap = Trap(error)
    bench = Bench(**options(place, trap))
    if place == "orphans":
        bench.executor._processes = cast("Any", Trapped(trap))
    if place in INSIDE:
        owner, name = INSIDE[place]
        monkeypatch.setattr(owner, name, trap.before(getattr(owner, name)))
    trap.is_set = True
    came_back = False
    try:
        bench.handle(message(1, tmp_path))
    except type(error):
        came_back = True
    trap.is_set = False
    bench.handle(message(2, tmp_path))
    found = results(bench.results)
    assert (found[2].outcome, found[2].reason, found[2].outputs) == ("success", "", {"a": "x"})
    assert came_back == (place in COMES_BACK)
    assert came_back or found[1].outcome == ("success" if place in GOES_ON else "failed")
    if place not in COMES_BACK and (place not in GOES_ON or place in LOG_SUFFERS):
        assert found[1].reason
    assert SECRET not in "".join(bench.results.bodies())
    assert not any(SECRET.encode() in body for body in bench.runs.objects.values())
    assert not any(lives(pid) for pid in pids(tmp_path))


@pytest.mark.usefixtures("quick")
def test_a_heartbeat_after_one_that_failed_is_sent() -> None:
    class FailsOnce(FakeQueue):
        failures = 0

        def send(self, messages: Sequence[OutgoingMessage]) -> None:
            if not self.failures:
                self.failures += 1
                raise RuntimeError
            super().send(messages)

    bench = Bench(results=FailsOnce(utc_now), heartbeat_seconds=0.05)
    bench.run("sleep 0.5")
    assert bench.heartbeats()


def test_neighbours_at_the_same_time_complete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    collect = outputs.collect

    def fail_for_some(path: str, *rest: Any) -> dict[str, Any]:
        if "b" in Path(path).read_text():
            raise RuntimeError
        return collect(path, *rest)

    monkeypatch.setattr(outputs, "collect", fail_for_some)
    bench = Bench()

    def handle(number: int) -> None:
        text = f'sleep 0.1; echo {"ab"[number % 2]}=1 > "$DAG_OUTPUT"'
        outputs = ["ab"[number % 2]]
        bench.handle(TaskMessage(Attempt("d", "r", "t", number, 1), text, outputs=outputs))

    threads = [threading.Thread(target=handle, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends = [result.outcome for _, result in sorted(results(bench.results).items())]
    assert ends == ["success", "failed"] * 4


@pytest.mark.parametrize("how", ["sns", "webhook", "command"])
def test_a_notification_that_cannot_be_sent_for_an_unplanned_error_is_to_be_sent_again(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = Trap(RuntimeError(SECRET))
    trap.is_set = True
    monkeypatch.setattr(webhook, "Webhook", trap.spring)
    monkeypatch.setattr(command, "start", trap.spring)
    bench = Bench(notifier=Trapped(trap))
    bench.executor.handle(
        NotificationMessage(7, how, "x", "s", {}).encode(), time_left=lambda: 900.0
    )
    [body] = bench.results.bodies()
    report = decode_report(body)
    assert isinstance(report, NotificationResult)
    assert (report.is_delivered, report.is_transient) == (False, True)
    assert report.reason.startswith("internal error of the executor: RuntimeError at ")
    assert SECRET not in body
