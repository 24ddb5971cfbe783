"""What leaves after the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chalicelib.errors import OrchestratorError
from chalicelib.messages import TaskMessage
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage
from chalicelib.scheduler.transaction import unit_of_work
from tests.support.fakes import FakeQueue
from tests.support.world import Played, World

MakeWorld = Callable[..., World]


class RefusingQueue(FakeQueue):
    """Takes nothing, and asking again would not help."""

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        raise OrchestratorError("refused")


def test_what_one_queue_refuses_keeps_nothing_from_the_other(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    world.upload("name: E\nschedule: '* * * * *'\ntasks: [{id: t, command: x}]", "e.yaml")
    good = world.scheduler
    world.scheduler = replace(good, task_queues={DEFAULT_PLACE: RefusingQueue(world.clock)})
    run_id = world.request("d")
    world.clock.advance(200)
    before = len(world.results.bodies())
    did = world.tick().counts
    assert did["messages_resent"] == 1
    assert len(world.results.bodies()) >= before + did["wakes_scheduled"] > before
    world.scheduler = good
    world.play(180)
    assert world.run_state(run_id) == "success"


def test_a_task_goes_to_the_queue_of_its_place(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    world.request("d")
    (message,) = world.tasks.receive()
    task = TaskMessage.decode(message.body)
    elsewhere = FakeQueue(world.clock)
    refusing = RefusingQueue(world.clock)
    queues = {"broken": refusing, DEFAULT_PLACE: world.tasks, "elsewhere": elsewhere}
    with unit_of_work(replace(world.scheduler, task_queues=queues)) as work:
        for place in ("broken", "elsewhere"):
            work.outbox.task(replace(task, place=place), world.clock())
    assert [TaskMessage.decode(body).place for body in elsewhere.bodies()] == ["elsewhere"]
    assert world.tasks.bodies() == [message.body]


def test_of_what_is_undone_no_message_leaves(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    task = TaskMessage.decode(message.body)
    with unit_of_work(world.scheduler) as work:
        with pytest.raises(LookupError), work.savepoint():
            work.outbox.task(task, world.clock())
            raise LookupError
        work.mark_changed(run_id)
    assert world.tasks.bodies() == [message.body]


def test_what_takes_twelve_bytes_a_character_is_measured_in_bytes(make_world: MakeWorld) -> None:
    world = make_world(lambda m: Played(outputs={"x": "\U0001f600" * 8000} if m.outputs else {}))
    names = "abcd"
    tasks = "".join(f"  - {{id: {name}, command: x, outputs: [x]}}\n" for name in names)
    last = f"  - {{id: all, command: x, dependencies: [{', '.join(names)}]}}\n"
    world.upload(f"name: D\ntasks:\n{tasks}{last}")
    run_id = world.request("d")
    world.play(2, ticking=False)
    assert world.task_states(run_id)["all"] == "failed"


class Unwritable(TaskMessage):
    """Cannot be written down."""

    def encode(self) -> str:
        raise AttributeError("x")


def test_a_message_that_cannot_be_written_fails_its_attempt_and_no_other(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: a, command: x}, {id: b, command: x}]")
    run_id = world.request("d")
    messages = [TaskMessage.decode(message.body) for message in world.tasks.receive()]
    bad, good = messages
    with unit_of_work(world.scheduler) as work:
        work.outbox.task(Unwritable(bad.attempt, bad.command), world.clock())
        work.outbox.task(good, world.clock())
        work.mark_changed(run_id)
        work.tx.execute("UPDATE dags SET updated_at = updated_at + 1")
    world.play(5)
    assert world.task_states(run_id) == {"a": "failed", "b": "success"}
    reasons = world.all("SELECT reason FROM task_instances WHERE task_id = 'a'")
    assert reasons == [("its message cannot be encoded: AttributeError: x",)]
