"""What leaves after the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.errors import OrchestratorError
from chalicelib.ports import OutgoingMessage
from tests.support.fakes import FakeQueue
from tests.support.world import World

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
    world.scheduler = replace(good, tasks=RefusingQueue(world.clock))
    run_id = world.request("d")
    world.clock.advance(200)
    before = len(world.results.bodies())
    did = world.tick().did
    assert did["messages_resent"] == 1
    assert len(world.results.bodies()) >= before + did["wakes_planned"] > before
    world.scheduler = good
    world.play(180)
    assert world.run_state(run_id) == "success"
