"""A transition is one guarded UPDATE: from a state, or for an attempt, for which it is not legal it
changes nothing, whatever was checked before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.dag.states import RUN_TRANSITIONS, TASK_TRANSITIONS, RunState, TaskState
from chalicelib.database.queries import attempts, runs, task_instances
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import Outcome
from tests.support.world import World

MakeWorld = Callable[..., World]
ENDS = (TaskState.SUCCESS, TaskState.FAILED, TaskState.UP_FOR_RETRY, TaskState.CANCELLED)


def in_state(world: World, state: TaskState) -> TaskInstance:
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    world.request("d")
    due = world.clock().timestamp() * 1e6 if state is TaskState.UP_FOR_RETRY else None
    with world.database.write() as tx:
        tx.execute("UPDATE task_instances SET state = ?, due_at = ?", (state, due))
    with world.database.read() as tx:
        task = task_instances.by_key(tx, 1)
    assert task is not None
    return task


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("target", ENDS)
def test_only_an_attempt_in_flight_can_end(
    make_world: MakeWorld, state: TaskState, target: TaskState
) -> None:
    world = make_world()
    task = in_state(world, state)
    due = world.clock() if target is TaskState.UP_FOR_RETRY else None
    with world.database.write() as tx:
        moved = attempts.end_attempt(tx, task, target, End(Outcome.FAILED, world.clock()), due)
    assert moved is (state in (TaskState.QUEUED, TaskState.RUNNING))
    assert world.all("SELECT state FROM task_instances") == [(target if moved else state,)]


@pytest.mark.parametrize(("try_number", "poke"), [(2, 0), (1, 1)])
def test_only_the_latest_attempt_can_end(make_world: MakeWorld, try_number: int, poke: int) -> None:
    world = make_world()
    task = in_state(world, TaskState.RUNNING)
    other = replace(task, attempt=replace(task.attempt, try_number=try_number, poke=poke))
    with world.database.write() as tx:
        end = End(Outcome.SUCCESS, world.clock())
        assert not attempts.end_attempt(tx, other, TaskState.SUCCESS, end, None)
        moment = world.clock()
        assert not attempts.beat(tx, other, moment, moment, moment, moment)
    assert world.all("SELECT state FROM task_instances") == [("running",)]


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("target", [TaskState.SCHEDULED, TaskState.NONE])
def test_a_task_moves_only_as_the_table_says(
    make_world: MakeWorld, state: TaskState, target: TaskState
) -> None:
    world = make_world()
    task = in_state(world, state)
    with world.database.write() as tx:
        if target is TaskState.NONE:
            moved = task_instances.set_by_hand(tx, task.key, target, "", None)
        else:
            moved = task_instances.make_ready(tx, task.key)
    # What is ready is set back by another version of the DAG alone, not by hand.
    is_by_version = (state, target) == (TaskState.SCHEDULED, TaskState.NONE)
    assert moved is (target in TASK_TRANSITIONS[state] and not is_by_version)


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("target", [RunState.SUCCESS, RunState.FAILED, RunState.CANCELLED])
def test_a_run_ends_once(make_world: MakeWorld, state: RunState, target: RunState) -> None:
    world = make_world()
    in_state(world, TaskState.QUEUED)
    has_ended = not RUN_TRANSITIONS[state] & {RunState.SUCCESS}
    with world.database.write() as tx:
        tx.execute("UPDATE runs SET state = ?, ended_at = ?", (state, 1 if has_ended else None))
    with world.database.write() as tx:
        moved = runs.end(tx, 1, target, "", world.clock())
    assert moved is (target in RUN_TRANSITIONS[state])
