"""A task that triggers another DAG never waits for a run that cannot end, nor for the wrong one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.scheduler.commands import runs
from tests.support.world import Played, World

MakeWorld = Callable[..., World]

PARENT = "name: Parent\ntasks: [{id: go, trigger_dag_id: child, wait_for_completion: true%s}]"
CHILD = "name: Child\nmax_active_runs: 1\noverlap_policy: %s\ntasks: [{id: t, command: x}]"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """The child has one slot, and its tasks take 50 seconds."""
    return make_world(lambda _: Played(seconds=50))


def waiting(world: World, policy: str, more: str = "") -> str:
    """A parent whose child finds the slot taken."""
    world.upload(CHILD % policy, "child.yaml")
    world.upload(PARENT % more, "parent.yaml")
    world.request("child")
    world.play(1, ticking=False)
    run_id = world.request("parent")
    world.play(1, ticking=False)
    return run_id


def children(world: World) -> list[str]:
    rows = world.all("SELECT run_id FROM runs WHERE dag_id = 'child' ORDER BY id")
    return [row[0] for row in rows]


def reason(world: World) -> str:
    return str(world.all("SELECT reason FROM task_instances WHERE task_id = 'go'")[0][0])


def test_a_child_that_is_cancelled_in_the_queue_fails_who_waits_for_it(world: World) -> None:
    run_id = waiting(world, "queue")
    child = children(world)[-1]
    assert (world.run_state(child), reason(world)) == ("queued", f"waits for {child}")
    runs.cancel_run(world.scheduler, child, who="ann")
    assert (world.run_state(run_id), reason(world)) == ("failed", f"{child} ended: cancelled")


def test_a_child_whose_file_is_removed_fails_who_waits_for_it(world: World) -> None:
    run_id = waiting(world, "queue")
    world.remove("child.yaml")
    assert world.run_state(run_id) == "failed"


def test_a_child_that_is_replaced_in_the_queue_fails_who_waits_for_it(world: World) -> None:
    run_id = waiting(world, "queue")
    world.upload(CHILD % "replace", "child.yaml")
    world.request("child")
    world.request("child")
    world.play(10)
    assert world.run_state(children(world)[1]) == "cancelled"
    assert world.run_state(run_id) == "failed"


def test_a_child_that_is_skipped_at_its_limit_fails_the_task_with_the_reason(world: World) -> None:
    run_id = waiting(world, "skip")
    assert world.run_state(run_id) == "failed"
    said = "DAG 'child' did not run: skipped: 1 runs were active (overlap_policy skip)"
    assert reason(world) == said


def test_a_child_that_was_skipped_is_asked_for_again_by_retries(world: World) -> None:
    run_id = waiting(world, "skip", ", retries: 1, retry_delay: 60")
    assert world.task_states(run_id) == {"go": "up_for_retry"}
    world.play(120)
    assert world.run_state(run_id) == "success"
    assert world.all("SELECT outcome FROM attempts WHERE billed_ms IS NULL AND reason <> ''")[
        0
    ] == ("failed",)


def test_an_older_child_that_runs_again_does_not_end_who_waits_for_a_newer(world: World) -> None:
    world.upload(CHILD.replace("runs: 1", "runs: 2") % "queue", "child.yaml")
    world.upload(PARENT % "", "parent.yaml")
    run_id = world.request("parent")
    world.play(60)
    runs.clear(world.scheduler, children(world)[0], who="ann")
    world.play(30)
    runs.clear(world.scheduler, run_id, who="ann")
    world.play(30)
    assert [world.run_state(child) for child in children(world)] == ["success", "running"]
    assert world.run_state(run_id) == "running"
    world.play(30)
    assert world.run_state(run_id) == "success"


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("UPDATE runs SET state = 'success', ended_at = 1 WHERE dag_id = 'child'", "success"),
        ("UPDATE runs SET state = 'failed', ended_at = 1 WHERE dag_id = 'child'", "failed"),
        ("DELETE FROM runs WHERE dag_id = 'child'", "failed"),
    ],
)
def test_a_task_that_was_not_told_of_the_end_of_its_run_learns_of_it_at_the_tick(
    make_world: MakeWorld, loss: str, expected: str
) -> None:
    world = make_world(lambda _: Played(seconds=900))
    world.upload("name: Child\ntasks: [{id: t, command: x}]", "child.yaml")
    world.upload(
        "name: Parent\ntasks: [{id: go, trigger_dag_id: child, wait_for_completion: true}]",
        "parent.yaml",
    )
    run_id = world.request("parent")
    world.play(2)
    assert world.task_states(run_id) == {"go": "running"}
    with world.database.write() as tx:
        tx.execute(loss)
    world.play(65)
    assert world.task_states(run_id) == {"go": expected}
    assert world.run_state(run_id) == expected
