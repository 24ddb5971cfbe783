"""What is bad in one place is said there, and stands in nobody else's way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from chalicelib.errors import OrchestratorError
from chalicelib.messages import TaskMessage
from chalicelib.ports import OutgoingMessage
from chalicelib.scheduler import backfill
from chalicelib.scheduler.environment import MAX_MESSAGE_BYTES
from chalicelib.scheduler.settle import working
from tests.support.fakes import FakeQueue
from tests.support.world import SUCCEED, Played, World

MakeWorld = Callable[..., World]


class RefusingQueue(FakeQueue):
    """Says no, as SQS does to who lacks a permission."""

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        raise OrchestratorError("denied")


def test_a_date_that_gives_no_good_params_does_not_stop_its_backfill(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(
        'name: D\nschedule: "@daily"\nmax_active_runs: 1\ntasks: [{id: t, command: x}]\n'
        "params: {day: {default: '{{ ds }}', pattern: '.*-(18|20)'}}"
    )
    now = world.clock()
    first, last = now - timedelta(days=5.5), now - timedelta(days=2.5)
    backfill.create(world.scheduler, "d", who="a", from_date=first, to_date=last)
    world.play(2, ticking=False)
    assert world.all("SELECT state, counts FROM backfills") == [
        ("done", '{"made": 2, "refused": 1}')
    ]
    assert world.all("SELECT DISTINCT state FROM runs") == [("success",)]


def test_a_command_that_cannot_be_sent_fails_and_says_why(make_world: MakeWorld) -> None:
    world = make_world(lambda m: Played(outputs={"x": "y" * 30_000}) if m.outputs else SUCCEED)
    names = [f"t{number}" for number in range(10)]
    world.upload(
        "name: D\ntasks:\n"
        + "".join(f"  - {{id: {name}, command: x, outputs: [x]}}\n" for name in names)
        + f"  - {{id: all, command: x, dependencies: [{', '.join(names)}]}}\n"
        + "  - {id: one, command: x, dependencies: t0}\n"
    )
    run_id = world.request("d")
    world.play(2, ticking=False)
    states = world.task_states(run_id)
    assert (states["all"], states["one"]) == ("failed", "success")
    (reason,) = world.all("SELECT reason FROM task_instances WHERE task_id = 'all'")
    assert f"at most {MAX_MESSAGE_BYTES} can be sent" in reason[0]
    assert world.run_state(run_id) == "failed"


def test_a_claim_that_nobody_can_read_holds_up_no_tick(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    world.runs.put(TaskMessage.decode(message.body).attempt.claim_key, b"no claim")
    world.dead_letters.send([OutgoingMessage(message.body), OutgoingMessage(message.body)])
    world.tick()
    assert world.run_state(run_id) == "failed"
    assert world.all("SELECT outcome FROM attempts") == [("lost",)]


def test_a_queue_that_refuses_takes_back_nothing_that_was_committed(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    object.__setattr__(world.scheduler, "tasks", RefusingQueue(world.clock))
    run_id = world.request("d")
    object.__setattr__(world.scheduler, "tasks", world.tasks)
    world.play(180)
    assert world.run_state(run_id) == "success"


def test_of_what_is_undone_no_message_leaves(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    task = TaskMessage.decode(message.body)
    with working(world.scheduler) as work:
        with pytest.raises(LookupError), work.savepoint():
            work.outbox.task(task, world.clock())
            raise LookupError
        work.touch(run_id)
    assert world.tasks.bodies() == [message.body]
