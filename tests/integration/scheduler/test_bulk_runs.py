"""One command for many runs: each is changed or refused on its own, in several transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.enums import BulkAction
from chalicelib.errors import Unavailable
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import bulk_runs
from chalicelib.scheduler.commands.bulk_runs import BulkOutcome, BulkRequest, change_runs
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

PAIR = """
name: Pair
max_active_runs: 100
max_active_tasks: 500
tasks:
  - {id: a, command: x}
  - {id: b, command: x, dependencies: a}
"""
NOBODY = "d__20260101T000000Z_zzzzz"
RETRY = BulkRequest(BulkAction.RETRY)


def failing(task: TaskMessage) -> Played:
    return FAIL if task.attempt.task_id == "a" else SUCCEED


def runs_of(world: World, count: int) -> list[str]:
    world.upload(PAIR)
    run_ids = []
    for _ in range(count):
        run_ids.append(world.request("pair"))
        world.clock.moment += timedelta(seconds=1)
    return run_ids


@pytest.fixture
def failed(make_world: MakeWorld) -> tuple[World, list[str]]:
    """Five failed runs, whose tasks succeed from now on."""
    world = make_world(failing)
    run_ids = runs_of(world, 5)
    world.play(5, ticking=False)
    world.executor.script = lambda _: SUCCEED
    assert {world.run_state(run_id) for run_id in run_ids} == {"failed"}
    return world, run_ids


def audited(world: World) -> list[tuple[str, str, str]]:
    rows = world.all("SELECT who, action, target FROM audit WHERE action <> 'run' ORDER BY id")
    return [(who, action, target) for who, action, target in rows]


def test_failed_runs_are_retried_together_and_each_is_audited(
    failed: tuple[World, list[str]],
) -> None:
    world, run_ids = failed
    outcomes = change_runs(world.scheduler, run_ids, RETRY, who="bob")
    assert outcomes == [BulkOutcome(run_id, 2, is_change=True) for run_id in run_ids]
    assert audited(world) == [("bob", "clear", run_id) for run_id in run_ids]
    world.play(5, ticking=False)
    assert {world.run_state(run_id) for run_id in run_ids} == {"success"}


@pytest.mark.parametrize("action", list(BulkAction))
def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    failed: tuple[World, list[str]], action: BulkAction
) -> None:
    world, run_ids = failed
    if action is BulkAction.CANCEL:
        run_ids = [world.request("pair")]
    before = world.all("SELECT * FROM runs"), world.all("SELECT * FROM task_instances")
    request = BulkRequest(action)
    planned = change_runs(world.scheduler, run_ids, request, who="bob", dry_run=True)
    assert (world.all("SELECT * FROM runs"), world.all("SELECT * FROM task_instances")) == before
    assert audited(world) == []
    assert all(outcome.is_change for outcome in planned)
    assert change_runs(world.scheduler, run_ids, request, who="bob") == planned
    assert len(audited(world)) == len(run_ids)


def test_a_run_that_cannot_be_changed_says_why_and_the_others_are_changed(
    failed: tuple[World, list[str]],
) -> None:
    world, run_ids = failed
    active = world.request("pair")
    wanted = [run_ids[0], NOBODY, active, run_ids[1], run_ids[0]]
    outcomes = change_runs(world.scheduler, wanted, RETRY, who="bob")
    assert [outcome.run_id for outcome in outcomes] == wanted[:4]
    assert [outcome.is_change for outcome in outcomes] == [True, False, False, True]
    assert "there is no run" in str(outcomes[1].problem)
    assert "cancel it first" in str(outcomes[2].problem) or "no failed task" in str(
        outcomes[2].problem
    )
    assert [target for _, _, target in audited(world)] == [run_ids[0], run_ids[1]]


def test_cancelling_stops_what_is_active_and_counts_its_tasks(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=600))
    run_ids = runs_of(world, 3)
    world.play(1, ticking=False)
    request = BulkRequest(BulkAction.CANCEL)
    first = change_runs(world.scheduler, run_ids[:2], request, who="bob")
    assert first == [BulkOutcome(run_id, 2, is_change=True) for run_id in run_ids[:2]]
    again = change_runs(world.scheduler, run_ids, request, who="bob")
    assert [outcome.is_change for outcome in again] == [False, False, True]
    world.play(60)
    assert {world.run_state(run_id) for run_id in run_ids} == {"cancelled"}
    (ended,) = change_runs(world.scheduler, run_ids[:1], request, who="bob")
    assert "already ended" in str(ended.problem)


def test_failures_are_acknowledged_with_one_note(failed: tuple[World, list[str]]) -> None:
    world, run_ids = failed
    request = BulkRequest(BulkAction.ACKNOWLEDGE, note="disk was full")
    change_runs(world.scheduler, run_ids[:2], request, who="bob")
    outcomes = change_runs(world.scheduler, run_ids, request, who="bob")
    assert [outcome.is_change for outcome in outcomes] == [False, False, True, True, True]
    rows = world.all("SELECT acknowledged_by, acknowledged_note FROM runs")
    assert rows == [("bob", "disk was full")] * 5


def test_each_transaction_takes_a_bounded_number_of_runs_and_tasks(
    failed: tuple[World, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, run_ids = failed
    for name, most in (("TASKS_AT_ONCE", 4), ("RUNS_AT_ONCE", 2)):
        with monkeypatch.context() as changed:
            changed.setattr(bulk_runs, name, most)
            before = len(world.all("SELECT * FROM commits"))
            change_runs(world.scheduler, run_ids, BulkRequest(BulkAction.CLEAR), who="bob")
            assert len(world.all("SELECT * FROM commits")) - before == 3
        world.play(5, ticking=False)


def dying(times: Iterator[datetime]) -> Callable[[], datetime]:
    """A clock for so many transactions; the process dies as it begins the next."""

    def now() -> datetime:
        for time in times:
            return time
        raise RuntimeError("killed")

    return now


def test_a_process_that_dies_has_changed_whole_runs_and_can_be_asked_again(
    failed: tuple[World, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, run_ids = failed
    monkeypatch.setattr(bulk_runs, "RUNS_AT_ONCE", 2)
    mortal = replace(world.scheduler, now=dying(iter([world.clock()] * 2)))
    with pytest.raises(RuntimeError, match="killed"):
        change_runs(mortal, run_ids, RETRY, who="bob")
    assert [target for _, _, target in audited(world)] == run_ids[:4]
    world.play(5, ticking=False)
    states = [world.run_state(run_id) for run_id in run_ids]
    assert states == ["success"] * 4 + ["failed"]
    outcomes = change_runs(world.scheduler, run_ids, RETRY, who="bob")
    assert [outcome.is_change for outcome in outcomes] == [False] * 4 + [True]


def test_a_database_that_is_busy_halfway_is_told_for_the_runs_that_are_left(
    failed: tuple[World, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, run_ids = failed
    monkeypatch.setattr(bulk_runs, "RUNS_AT_ONCE", 2)
    times = iter([world.clock()])

    def busy() -> datetime:
        for time in times:
            return time
        raise Unavailable("the database is busy; try again")

    scheduler = replace(world.scheduler, now=busy)
    outcomes = change_runs(scheduler, run_ids, RETRY, who="bob")
    assert [outcome.is_change for outcome in outcomes] == [True, True, False, False, False]
    assert {outcome.problem for outcome in outcomes[2:]} == {
        "not done: the database is busy; try again"
    }
    with pytest.raises(Unavailable):
        change_runs(scheduler, run_ids, RETRY, who="bob")


def test_one_request_changes_a_bounded_number_of_tasks(
    failed: tuple[World, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, run_ids = failed
    monkeypatch.setattr(bulk_runs, "MOST_TASKS", 4)
    monkeypatch.setattr(bulk_runs, "RUNS_AT_ONCE", 1)
    outcomes = change_runs(world.scheduler, run_ids, RETRY, who="bob")
    assert [outcome.is_change for outcome in outcomes] == [True, True, False, False, False]
    assert "one request changes 4 tasks at most" in str(outcomes[4].problem)
