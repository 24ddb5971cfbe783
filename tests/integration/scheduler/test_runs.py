"""Runs from their making to their end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import runs
from tests.support.world import DIE, FAIL, SUCCEED, Played, World

CHAIN = """
name: Chain
tasks:
  - {id: a, command: "true"}
  - {id: b, command: "true", dependencies: [a]}
  - {id: c, command: "true", dependencies: b}
"""

MakeWorld = Callable[..., World]


def test_a_chain_runs_in_order_without_a_tick(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "success"
    assert [task.attempt.task_id for _, task in world.executor.started] == ["a", "b", "c"]


def test_a_failure_ends_the_run_and_names_its_cause(make_world: MakeWorld) -> None:
    world = make_world(lambda task: FAIL if task.attempt.task_id == "a" else SUCCEED)
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(5, ticking=False)
    assert world.task_states(run_id) == {
        "a": "failed",
        "b": "upstream_failed",
        "c": "upstream_failed",
    }
    assert world.all("SELECT state, reason FROM runs") == [("failed", "failed: a")]
    reasons = world.all("SELECT reason FROM task_instances WHERE task_id = 'b'")
    assert reasons == [("a is failed, trigger rule all_success",)]


def test_a_retry_starts_at_its_second(make_world: MakeWorld) -> None:
    def script(task: TaskMessage) -> Played:
        return FAIL if task.attempt.try_number < 3 else SUCCEED

    world = make_world(script)
    world.upload("name: R\ntasks: [{id: t, command: x, retries: 2, retry_delay: 30}]")
    run_id = world.request("r")
    world.play(70, ticking=False)
    assert world.run_state(run_id) == "success"
    starts = [moment for moment, _ in world.executor.started]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(starts)]
    assert gaps == [30.1, 30.1]  # the delay counts from the end of the attempt
    history = world.all("SELECT try_number, outcome FROM attempts ORDER BY try_number")
    assert history == [(1, "failed"), (2, "failed"), (3, "success")]


def test_a_retry_far_away_is_found_by_the_tick(make_world: MakeWorld) -> None:
    world = make_world(lambda task: FAIL if task.attempt.try_number == 1 else SUCCEED)
    world.upload("name: R\ntasks: [{id: t, command: x, retries: 1, retry_delay: 20m}]")
    run_id = world.request("r")
    world.play(10)
    assert world.task_states(run_id) == {"t": "up_for_retry"}
    world.play(1250)
    assert world.run_state(run_id) == "success"
    first, second = (moment for moment, _ in world.executor.started)
    assert second - first == timedelta(seconds=1200.1)


def test_the_dags_active_task_limit_holds(make_world: MakeWorld) -> None:
    tasks = "".join(f"  - {{id: t{i}, command: x}}\n" for i in range(9))
    world = make_world(lambda _: Played(seconds=10))
    world.upload(f"name: Wide\nmax_active_tasks: 2\ntasks:\n{tasks}")
    run_id = world.request("wide")
    for _ in range(60):
        world.play(1, ticking=False)
        assert len(world.executor.running) <= 2
    assert world.run_state(run_id) == "success"


def test_the_dags_active_run_limit_holds_and_runs_go_in_order(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=10))
    world.upload("name: One\nmax_active_runs: 1\ntasks: [{id: t, command: x}]")
    run_ids = [world.request("one") for _ in range(3)]
    world.play(1, ticking=False)
    assert [world.run_state(run_id) for run_id in run_ids] == ["running", "queued", "queued"]
    world.play(60, ticking=False)
    assert [world.run_state(run_id) for run_id in run_ids] == ["success"] * 3
    assert [task.attempt.run_id for _, task in world.executor.started] == run_ids


def test_the_same_idempotency_key_answers_the_same_run(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    first = runs.trigger_run(world.scheduler, "chain", idempotency_key="k", who="ann")
    again = runs.trigger_run(world.scheduler, "chain", idempotency_key="k", who="ann")
    assert first == (again[0], True)
    assert again[1] is False


def test_a_logical_date_has_one_run(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    run_id = world.request("chain", logical_date=world.clock())
    with pytest.raises(Conflict, match=run_id):
        world.request("chain", logical_date=world.clock())


def test_two_requests_in_one_moment_make_two_runs(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    assert world.request("chain") != world.request("chain")


def test_an_unknown_dag_cannot_run(make_world: MakeWorld) -> None:
    with pytest.raises(NotFound, match="no DAG 'nope'"):
        make_world().request("nope")


def test_a_run_keeps_the_version_it_started_with(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=5))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(1, ticking=False)
    world.upload(CHAIN.replace('"true"', '"new"'))
    world.play(20, ticking=False)
    assert world.run_state(run_id) == "success"
    assert {task.command for _, task in world.executor.started} == {"true"}
    world.request("chain")
    world.play(1, ticking=False)
    assert world.executor.started[-1][1].command == "new"


def test_commands_find_the_documented_variables(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(
        "name: V\ntimezone: Asia/Tokyo\nenv: {A: dag, B: dag}\n"
        "tasks: [{id: t, command: x, env: {B: task}, execution_timeout: 9, cwd: /tmp}]"
    )
    run_id = world.request("v", logical_date=world.clock() - timedelta(hours=16))
    world.play(1, ticking=False)
    task = world.executor.started[0][1]
    assert task.env == {
        "A": "dag",
        "B": "task",
        "DAG_ID": "v",
        "RUN_ID": run_id,
        "TASK_ID": "t",
        "TRY_NUMBER": "1",
        "MAP_INDEX": "-1",
        "LOGICAL_DATE": "2026-11-22T18:00:00Z",
        "DATA_INTERVAL_START": "2026-11-22T18:00:00Z",
        "DATA_INTERVAL_END": "2026-11-22T18:00:00Z",
        "DS": "2026-11-23",
        "TRIGGER_TYPE": "manual",
    }
    assert (task.timeout, task.cwd) == (9, "/tmp")


def test_a_run_by_hand_cannot_take_a_fire_time_that_is_still_to_come(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload("name: D\nschedule: '@every 30s'\ntasks: [{id: t, command: x}]")
    for ahead in (timedelta(microseconds=1), timedelta(seconds=30), timedelta(days=400)):
        with pytest.raises(InvalidRequest, match="is in the future, where the schedule creates"):
            world.request("d", logical_date=world.clock() + ahead)
    world.play(65)
    assert world.all("SELECT run_type FROM runs") == [("scheduled",)] * 2
    assert world.request("d", logical_date=world.clock())


def test_a_dead_executor_ends_in_a_failure(make_world: MakeWorld) -> None:
    world = make_world(lambda _: DIE)
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(300)
    assert world.run_state(run_id) == "failed"
    assert world.all("SELECT outcome FROM attempts") == [("lost",)]


def test_an_executor_that_died_before_its_first_word_is_found_by_its_claim(
    make_world: MakeWorld,
) -> None:
    silent = Played(None, is_heard=False)
    world = make_world(lambda task: silent if task.attempt.try_number == 1 else SUCCEED)
    world.upload("name: R\ntasks: [{id: t, command: x, retries: 1, retry_delay: 1}]")
    run_id = world.request("r")
    world.play(600)
    assert world.run_state(run_id) == "success"
    assert [task.attempt.try_number for _, task in world.executor.started] == [1, 2]
