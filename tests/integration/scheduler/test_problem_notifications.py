"""Who is notified of a broken file, a failing tick and a message that was set aside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.scheduler import registration, results
from chalicelib.scheduler.problem_notifications import MAX_PER_HOUR, tick_ended
from chalicelib.scheduler.transaction import unit_of_work
from tests.support.world import World

GOOD = "name: D\ntasks: [{id: t, command: x}]"
BROKEN = "name: D\ntaskss: []\ntasks: [{id: t, command: x}]"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, PAGE_URL="https://orchestrator.example/")
    put(made, "_defaults.yaml", "on_problem: [{webhook: 'https://example.org/all'}]")
    put(made, "team/_defaults.yaml", "on_problem: [{webhook: 'https://example.org/team'}]")
    yield made
    made.close()


def put(world: World, key: str, text: str) -> None:
    world.dags.put(key, text.encode())
    registration.register(world.scheduler, [key])


def told(world: World) -> list[tuple[str, str, str]]:
    world.play(1, ticking=False)
    return [
        (message.target.rpartition("/")[2], message.payload["event"], message.payload["title"])
        for message in world.executor.notified
    ]


def test_a_broken_file_is_told_once_to_those_of_its_folder(world: World) -> None:
    put(world, "d.yaml", BROKEN)
    put(world, "d.yaml", f"# again\n{BROKEN}".replace("\ntaskss", "\ntaskss"))
    put(world, "team/e.yaml", BROKEN.replace("D", "E"))
    put(world, "team/e.yaml", GOOD.replace("D", "E"))
    assert told(world)[0] == ("all", "broken_file", "d.yaml cannot be registered")
    assert told(world)[-2:] == [
        ("team", "broken_file", "team/e.yaml cannot be registered"),
        ("team", "resolved", "team/e.yaml is no longer broken"),
    ]
    payload = world.executor.notified[0].payload
    assert payload["text"].startswith("line 2, column 1: unknown key 'taskss'")
    assert payload["url"] == "https://orchestrator.example/#/errors"


def test_the_same_problem_is_not_told_again(world: World) -> None:
    put(world, "d.yaml", BROKEN)
    put(world, "d.yaml", f"{BROKEN}\n# a comment")
    assert [event for _, event, _ in told(world)] == ["broken_file"]


def test_a_removed_file_is_no_longer_broken(world: World) -> None:
    put(world, "d.yaml", BROKEN)
    world.dags.delete(["d.yaml"])
    registration.register(world.scheduler, ["d.yaml"])
    assert [event for _, event, _ in told(world)] == ["broken_file", "resolved"]


def test_many_problems_make_no_flood(world: World) -> None:
    for number in range(MAX_PER_HOUR + 5):
        put(world, f"{number}.yaml", BROKEN)
    messages = told(world)
    assert len(messages) == MAX_PER_HOUR
    assert "No more of these are sent" in world.executor.notified[-1].payload["text"]


def test_a_tick_tells_of_errors_that_the_one_before_had_not(world: World) -> None:
    for before, now in (
        ([], ["run 1: gone"]),
        (["run 1: gone"], ["run 2: gone"]),
        (["run 2: gone"], []),
        ([], []),
    ):
        with unit_of_work(world.scheduler) as work:
            tick_ended(work, before, now)
    assert [(event, title) for _, event, title in told(world)] == [
        ("failing_tick", "The scheduler's tick has errors"),
        ("resolved", "The scheduler's tick works again"),
    ]


def test_a_message_that_is_set_aside_is_told(world: World) -> None:
    results.apply(world.scheduler, ["no message", "nor this"])
    assert told(world) == [("all", "dead_letter", "2 messages were set aside")]


def test_without_a_target_nothing_is_sent(tmp_path: Path) -> None:
    world = World(tmp_path)
    put(world, "d.yaml", BROKEN)
    results.apply(world.scheduler, ["no message"])
    assert told(world) == []
    world.close()
