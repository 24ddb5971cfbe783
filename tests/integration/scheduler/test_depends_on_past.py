"""`depends_on_past` never leaves a run waiting for one that waits for its slot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import runs
from tests.support.world import FAIL, Played, World

MakeWorld = Callable[..., World]

DAG = """
name: D
max_active_runs: %d
tasks:
  - {id: first, command: x}
  - {id: then, command: x, dependencies: first, depends_on_past: true}
"""


def on_day(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


@pytest.mark.parametrize("slots", [1, 2])
def test_a_run_gives_up_where_the_run_before_waits_for_its_slot(
    make_world: MakeWorld, slots: int
) -> None:
    world = make_world(lambda _: FAIL)
    world.upload(DAG % slots)
    earlier = world.request("d", logical_date=on_day(1))
    world.play(2)
    world.executor.script = lambda _: Played(seconds=20)
    later = [world.request("d", logical_date=on_day(2 + n)) for n in range(slots)]
    world.play(5)
    runs.retry_run(world.scheduler, earlier, who="ann")  # it waits for a slot, and they for it
    world.play(120)
    assert world.run_state(earlier) == "success"
    assert sorted(map(world.run_state, later)) == ["failed", "success"][:slots]
    reasons = world.all("SELECT reason FROM task_instances WHERE state = 'upstream_failed'")
    assert ["for a slot that this run holds" in row[0] for row in reasons] == [True]


def test_a_run_waits_for_the_run_before_while_a_slot_will_be_free(make_world: MakeWorld) -> None:
    world = make_world(lambda task: Played(seconds=60 if task.attempt.task_id == "then" else 5))
    world.upload(DAG % 2)
    first, last = (world.request("d", logical_date=on_day(day)) for day in (1, 9))
    world.play(1)
    between = world.request("d", logical_date=on_day(5))
    world.play(30)
    assert world.task_states(last) == {"first": "success", "then": "none"}
    world.play(300)
    assert [world.run_state(run_id) for run_id in (first, between, last)] == ["success"] * 3


def test_a_run_gives_up_where_the_run_before_waits_for_the_schedule(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=30))
    world.upload((DAG % 1).replace("tasks:", "schedule: '@every 20s'\ntasks:"))
    world.play(45)  # the first run has the slot, the second waits for it
    dag_commands.set_paused(world.scheduler, "d", True, who="ann")
    run_id = world.request("d")
    world.play(300)
    assert world.run_state(run_id) == "failed"
    reasons = world.all("SELECT reason FROM task_instances WHERE state = 'upstream_failed'")
    assert reasons[0][0].endswith("waits until its DAG is un-paused")


def test_a_failed_run_of_a_paused_dag_is_retried(make_world: MakeWorld) -> None:
    world = make_world(lambda _: FAIL)
    world.upload("name: D\nschedule: '@every 1m'\ntasks: [{id: t, command: x}]")
    world.play(70)
    ((run_id, state),) = world.all("SELECT run_id, state FROM runs")
    assert state == "failed"
    dag_commands.set_paused(world.scheduler, "d", True, who="ann")
    world.executor.script = lambda _: Played()
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(1)
    assert world.run_state(run_id) == "success"


def test_a_run_goes_on_when_the_run_before_is_cancelled_without_ever_having_had_a_slot(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: Played(seconds=30))
    world.upload(
        "name: D\nmax_active_runs: 1\ntasks: [{id: long, command: x}, {id: gate, command: x},"
        " {id: then, command: x, dependencies: gate, depends_on_past: true}]"
    )
    world.executor.script = lambda m: Played(seconds=30 if m.attempt.task_id == "long" else 1)
    running = world.request("d", logical_date=on_day(9))
    waiting = world.request("d", logical_date=on_day(5))
    world.play(5)
    assert (world.task_states(running)["then"], world.run_state(waiting)) == ("none", "queued")
    runs.cancel_run(world.scheduler, waiting, who="ann")
    assert world.task_states(running)["then"] == "upstream_failed"
