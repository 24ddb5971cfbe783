"""Clearing: which copies of a task run again, that their history stays and what they wrote goes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import runs
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

BESIDE = """
name: D
tasks:
  - {id: a, command: x}
  - {id: each, command: x, expand: {N: [1, 2, 3]}, dependencies: a, trigger_rule: all_done}
  - {id: end, command: x, dependencies: [a, each]}
"""

MADE = """
name: D
tasks:
  - {id: make, command: x, outputs: [files]}
  - {id: each, command: x, expand: {FILE: "{{ outputs.make.files }}"}, dependencies: make}
  - {id: join, command: x, dependencies: each}
"""


def making(*files: str) -> Callable[[TaskMessage], Played]:
    outputs = {"files": list(files)}
    return lambda task: Played(outputs=outputs if task.attempt.task_id == "make" else {})


def copies(world: World) -> list[tuple[int, str, int]]:
    """Return index, state and number of ended attempts of each copy that is no history."""
    return world.all(
        "SELECT map_index, state, (SELECT count(*) FROM attempts WHERE task_instance_id = t.id)"
        " FROM task_instances t WHERE task_id = 'each' AND removed_at IS NULL ORDER BY map_index"
    )


@pytest.fixture
def made(make_world: MakeWorld) -> tuple[World, str]:
    """A run of MADE with three copies that has succeeded."""
    world = make_world(making("a", "b", "c"))
    world.upload(MADE)
    run_id = world.request("d")
    world.play(3, ticking=False)
    assert copies(world) == [(0, "success", 1), (1, "success", 1), (2, "success", 1)]
    return world, run_id


def again(world: World, run_id: str, *files: str) -> None:
    world.executor.script = making(*files)
    runs.clear(world.scheduler, run_id, task_ids=["make"], downstream=True, who="ann")
    world.play(3, ticking=False)


def test_a_retry_runs_the_failed_copy_beside_its_failed_dependency(make_world: MakeWorld) -> None:
    bad = [("a", -1), ("each", 1)]
    world = make_world(
        lambda task: FAIL if (task.attempt.task_id, task.attempt.map_index) in bad else SUCCEED
    )
    world.upload(BESIDE)
    run_id = world.request("d")
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "failed"
    bad.clear()
    cleared = runs.retry_run(world.scheduler, run_id, who="ann")
    assert [name[:2] for name in cleared.tasks] == [("a", -1), ("end", -1), ("each", 1)]
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "success"
    assert copies(world) == [(0, "success", 1), (1, "success", 2), (2, "success", 1)]


def test_copies_that_are_made_anew_keep_their_history(made: tuple[World, str]) -> None:
    world, run_id = made
    again(world, run_id, "d", "e", "f")
    assert world.run_state(run_id) == "success"
    assert copies(world) == [(0, "success", 2), (1, "success", 2), (2, "success", 2)]
    files = [task.env["FILE"] for _, task in world.executor.started if "FILE" in task.env]
    assert files == ["a", "b", "c", "d", "e", "f"]


def test_no_attempt_is_named_twice_when_copies_become_fewer_and_more(
    made: tuple[World, str],
) -> None:
    world, run_id = made
    runs.clear(world.scheduler, run_id, task_ids=["each"], who="ann")
    world.play(3, ticking=False)
    again(world, run_id, "a")
    assert [copy[:2] for copy in copies(world)] == [(0, "success")]
    again(world, run_id, "a", "b", "c", "d")
    assert [copy[:2] for copy in copies(world)] == [(n, "success") for n in range(4)]
    assert world.run_state(run_id) == "success"
    names = [task.attempt for _, task in world.executor.started]
    assert len(set(names)) == len(names)


def test_copies_that_cannot_be_made_anew_end_with_the_reason(made: tuple[World, str]) -> None:
    world, run_id = made
    world.executor.script = lambda _: FAIL
    runs.clear(world.scheduler, run_id, task_ids=["make"], downstream=True, who="ann")
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "failed"
    assert {state for _, state, _ in copies(world)} == {"upstream_failed"}
    world.executor.script = making()
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert {state for _, state, _ in copies(world)} == {"skipped"}
    again(world, run_id, "a", "b")
    assert copies(world) == [(0, "success", 2), (1, "success", 2)]
    assert world.run_state(run_id) == "success"


def test_what_a_cleared_task_wrote_counts_no_more(make_world: MakeWorld) -> None:
    world = make_world(making("a"))
    world.upload(
        """
name: D
tasks:
  - {id: make, command: x, outputs: [files]}
  - id: use
    command: "echo {{ outputs.make.files | default('none') }}"
    dependencies: make
    trigger_rule: all_done
"""
    )
    run_id = world.request("d")
    world.play(2, ticking=False)
    world.executor.script = lambda _: FAIL
    runs.clear(world.scheduler, run_id, who="ann")
    world.play(2, ticking=False)
    used = [task for _, task in world.executor.started if task.attempt.task_id == "use"]
    assert [task.command for task in used] == ["echo '[\"a\"]'", "echo 'none'"]
    assert ["OUTPUT_MAKE_FILES" in task.env for task in used] == [True, False]
