"""The loops, against queues in memory and a recording entry point."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime
from typing import Any

import pytest

from chalicelib.local.events import bucket_event
from chalicelib.local.loops import BucketEvents, Executors, Results, Schedule, start
from chalicelib.ports import OutgoingMessage, Queue, ReceivedMessage
from chalicelib.scheduler.file_events import keys_of
from tests.support.fakes import FakeClock, FakeQueue
from tests.support.waiting import HANG_SECONDS, eventually


class Patient(FakeQueue):
    """Waits a moment for the first message, so that a loop does not spin."""

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        found = super().receive(limit)
        if not found and wait:
            threading.Event().wait(0.005)
        return found


@pytest.fixture
def queue() -> Patient:
    return Patient(FakeClock())


def fill(queue: Queue, count: int) -> None:
    queue.send([OutgoingMessage(str(number)) for number in range(count)])


class Command:
    """An entry point that can be held; `most` is how many of it ran at once."""

    def __init__(self, *, held: bool = False) -> None:
        self.go = threading.Event()
        if not held:
            self.go.set()
        self.bodies: list[str] = []
        self.running = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, message: ReceivedMessage) -> None:
        with self._lock:
            self.bodies.append(message.body)
            self.running += 1
            self.most = max(self.most, self.running)
        self.go.wait(HANG_SECONDS)
        with self._lock:
            self.running -= 1
        if message.body == "bad":
            raise RuntimeError("the handler crashed")


def test_every_message_is_executed_once_and_acknowledged(queue: Patient) -> None:
    fill(queue, 95)
    command, stop = Command(), threading.Event()
    Executors(queue, command, 4).start(stop)
    eventually(lambda: queue.bodies() == [])
    stop.set()
    assert sorted(command.bodies, key=int) == [str(number) for number in range(95)]


def test_no_more_commands_run_at_once_than_allowed_and_no_message_is_held_back(
    queue: Patient,
) -> None:
    fill(queue, 20)
    command, stop = Command(held=True), threading.Event()
    executors = Executors(queue, command, 3)
    executors.start(stop)
    eventually(lambda: command.running == 3)
    assert queue.depth().visible == 17
    assert executors.is_crowded()
    command.go.set()
    eventually(lambda: queue.bodies() == [])
    assert not executors.is_crowded()
    stop.set()
    assert command.most == 3


def test_a_message_whose_handler_crashed_comes_back(queue: Patient) -> None:
    queue.send([OutgoingMessage("bad")])
    command, stop = Command(), threading.Event()
    Executors(queue, command, 1).start(stop)
    eventually(lambda: command.bodies == ["bad"])
    eventually(lambda: queue.depth().in_flight == 1)
    assert queue.bodies() == ["bad"]
    stop.set()


def test_results_that_wait_are_applied_together_while_executors_are_crowded(
    queue: Patient,
) -> None:
    fill(queue, 1)
    batches: list[list[str]] = []

    def crowded() -> bool:
        queue.send([OutgoingMessage("later")])
        return True

    def apply(batch: list[ReceivedMessage]) -> None:
        batches.append([message.body for message in batch])

    Results(queue, apply, crowded, threading.Event()).step()
    assert batches == [["0", "later"]]
    assert queue.bodies() == []


def test_a_result_goes_on_at_once_while_nobody_else_waits(queue: Patient) -> None:
    fill(queue, 1)
    batches: list[int] = []
    stop = threading.Event()
    Results(queue, lambda batch: batches.append(len(batch)), lambda: False, stop).step()
    assert batches == [1]


def test_results_that_could_not_be_applied_stay_in_the_queue(queue: Patient) -> None:
    fill(queue, 3)

    def fail(_batch: Any) -> None:
        raise RuntimeError("the database is busy")

    with pytest.raises(RuntimeError):
        Results(queue, fail, lambda: False, threading.Event()).step()
    assert queue.depth().in_flight == 3


def test_a_bucket_event_is_tried_three_times_and_then_given_up() -> None:
    tried: list[str] = []

    def register(event: dict[str, Any]) -> None:
        tried.extend(keys_of(event))
        if keys_of(event) == ["bad.yaml"]:
            raise RuntimeError("cannot")

    loop = BucketEvents(register)
    loop.add(bucket_event("b", "bad.yaml", created=True))
    loop.add(bucket_event("b", "good.yaml", created=True))
    for _ in range(4):
        with contextlib.suppress(RuntimeError):
            loop.step()
    assert tried == ["bad.yaml", "good.yaml", "bad.yaml", "bad.yaml"]


def test_events_of_files_that_are_uploaded_together_are_handled_together() -> None:
    handled: list[list[str]] = []
    loop = BucketEvents(lambda event: handled.append(keys_of(event)))
    for key in ("a.yaml", "s/é 1.py", "s/b.py", "b.yaml"):
        loop.add(bucket_event("b", key, created=True))
    for _ in range(2):
        loop.step()
    assert handled == [["a.yaml"], ["s/é 1.py", "s/b.py", "b.yaml"]]
    assert loop.settled.is_set()


def test_the_schedule_ticks_at_once_and_then_on_the_interval() -> None:
    moments: list[datetime] = []
    stop = threading.Event()
    schedule = Schedule(moments.append, 0.2, stop)
    start("schedule", schedule.step, stop)
    eventually(lambda: len(moments) >= 3)
    stop.set()
    intervals = [int(moment.timestamp() / 0.2) for moment in moments]
    assert len(set(intervals)) == len(intervals)
    assert all(moment.tzinfo is not None for moment in moments)


def test_a_loop_goes_on_after_an_error() -> None:
    calls: list[int] = []
    stop = threading.Event()

    def step() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("once")
        stop.set()

    start("loop", step, stop)
    eventually(lambda: len(calls) == 2)
