"""A run whose file changes: which version each attempt ran with, and what running again does."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.world import FAIL, World

MakeWorld = Callable[..., World]


def versions(world: World) -> list[tuple[str, int, int | None]]:
    """Of every attempt that has ended: its task, its number and its version."""
    return world.all(
        "SELECT task_id, a.try_number, a.version FROM attempts a JOIN task_instances t"
        " ON t.id = a.task_instance_id ORDER BY t.id, a.try_number"
    )


def test_each_attempt_tells_which_version_it_ran_with(make_world: MakeWorld) -> None:
    world = make_world(lambda _: FAIL)
    world.upload("name: D\ntasks: [{id: t, command: one, retries: 1, retry_delay: 10}]")
    world.upload("name: D\ntasks: [{id: t, command: two, retries: 1, retry_delay: 10}]")
    world.request("d")
    world.play(1, ticking=False)
    world.upload("name: D\ntasks: [{id: t, command: three, retries: 1, retry_delay: 10}]")
    world.play(30)
    assert versions(world) == [("t", 1, 2), ("t", 2, 2)]


def test_a_task_that_triggers_another_dag_tells_its_version_too(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: Child\ntasks: [{id: c, command: x}]", "child.yaml")
    world.upload("name: D\ntasks: [{id: go, trigger_dag_id: child, wait_for_completion: true}]")
    world.request("d")
    world.play(5, ticking=False)
    assert versions(world) == [("go", 1, 1), ("c", 1, 1)]
