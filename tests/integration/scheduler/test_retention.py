"""What is older than it needs to be goes, little by little: a round that took too long would be
rolled back, and the next ones as well."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from chalicelib.database.queries import expired_runs, housekeeping, notifications
from chalicelib.database.queries.housekeeping import VERSIONS_KEPT
from chalicelib.enums import NotificationEvent
from chalicelib.errors import Conflict
from chalicelib.notification_kinds import KindName
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.scheduler.retention import MAX_RUNS, MAX_TASKS, remove_expired
from tests.bench.year import RUNS_A_DAY, simulate
from tests.support.fakes import FakeBucket
from tests.support.world import World

MakeWorld = Callable[..., World]

DAY = 86_400
ONE_TASK = "name: D\ntasks: [{id: t, command: x}]\n"


def runs_left(world: World) -> int:
    return int(world.all("SELECT count(*) FROM runs")[0][0])


def many_runs(world: World, number: int, *, width: int = 1, ended_before_days: int = 0) -> None:
    """Runs of the DAG `d` that have ended, each with as many task instances and one object."""
    world.upload(ONE_TASK)
    (version_id,) = world.all("SELECT id FROM dag_versions ORDER BY id LIMIT 1")[0]
    at = int((world.clock() - timedelta(days=ended_before_days)).timestamp() * 1e6)
    with world.database.write() as tx:
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
            " INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date,"
            " data_interval_start, data_interval_end, not_before, created_at, ended_at)"
            " SELECT 'd__' || i, 'd', ?2, 'manual', 'success', i, i, i, i, ?3, ?3 + i FROM n",
            (number, version_id, at),
        )
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)"
            " INSERT INTO task_instances (run_key, dag_id, task_id, map_index, state)"
            " SELECT id, 'd', 't', i, 'success' FROM runs, n",
            (width,),
        )
    for run_number in range(1, number + 1):
        world.runs.put(f"d/d__{run_number}/t/-1/1/claim", b"x")


def tasks_left(world: World) -> int:
    return int(world.all("SELECT count(*) FROM task_instances")[0][0])


class Watch:
    """A stopwatch on which each look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_one_tick_removes_what_a_busy_installation_makes_in_minutes(make_world: MakeWorld) -> None:
    world = make_world()
    many_runs(world, 4000)
    world.clock.advance(100 * DAY)
    assert world.tick().counts["runs_removed"] == 4000
    assert (runs_left(world), tasks_left(world), world.runs.objects) == (0, 0, {})
    did = world.all("SELECT counts FROM ticks ORDER BY id DESC LIMIT 1")[0][0]
    assert json.loads(did)["runs_removed"] == 4000


def test_what_one_tick_has_no_time_for_the_next_goes_on_with(make_world: MakeWorld) -> None:
    world = make_world()
    many_runs(world, 3 * MAX_RUNS)
    world.clock.advance(100 * DAY)
    first = remove_expired(world.scheduler, seconds=2.5, clock=Watch())
    assert 0 < first.count < 3 * MAX_RUNS
    before = runs_left(world)
    with world.database.write() as tx:  # so that no round begins
        housekeeping.set_time(tx, "last_round", world.clock())
    world.clock.advance(60)
    world.tick()
    assert before > runs_left(world) == 0
    world.clock.advance(60)
    assert "runs_removed" not in world.tick().counts
    assert world.all("SELECT name FROM metadata WHERE name LIKE 'retention%'") == []


def test_a_wide_run_is_removed_in_pieces_and_runs_no_more_meanwhile(make_world: MakeWorld) -> None:
    world = make_world()
    many_runs(world, 1, width=10_000)
    world.clock.advance(100 * DAY)
    left = [10_000]
    while runs_left(world):
        remove_expired(world.scheduler, seconds=1.5, clock=Watch())
        left.append(tasks_left(world))
        if runs_left(world):
            with pytest.raises(Conflict, match="being removed"):
                run_commands.clear(world.scheduler, "d__1", who="ann")
    pieces = [before - after for before, after in pairwise(left)]
    assert max(pieces) <= MAX_TASKS
    assert left[-1] == 0
    assert world.runs.objects == {}


def test_a_run_of_which_people_want_more_in_time_stays(make_world: MakeWorld) -> None:
    world = make_world()
    many_runs(world, 2)
    world.clock.advance(100 * DAY)
    run_commands.clear(world.scheduler, "d__1", who="ann")
    world.tick()
    assert world.all("SELECT run_id FROM runs") == [("d__1",)]


class StubbornBucket(FakeBucket):
    """Does not give away what is of one run, for as long as it is stubborn."""

    is_stubborn = True

    def delete(self, keys: Iterable[str]) -> None:
        wanted = list(keys)
        if self.is_stubborn and any(key.startswith("d/d__2/") for key in wanted):
            raise AttributeError("x")
        super().delete(wanted)


def test_objects_that_cannot_be_deleted_keep_their_run_and_no_other(make_world: MakeWorld) -> None:
    world = make_world()
    stubborn = StubbornBucket()
    world.runs = stubborn
    world.scheduler = replace(world.scheduler, runs=stubborn)
    many_runs(world, 5)
    world.clock.advance(100 * DAY)
    report = world.tick()
    assert report.errors == ["retention: not all objects of 1 expired runs could be deleted"]
    assert world.all("SELECT run_id FROM runs") == [("d__2",)]
    assert list(world.runs.objects) == ["d/d__2/t/-1/1/claim"]
    stubborn.is_stubborn = False
    world.clock.advance(60)
    world.tick()
    assert (runs_left(world), world.runs.objects) == (0, {})


def test_a_death_between_objects_and_rows_leaves_nothing_behind(make_world: MakeWorld) -> None:
    world = make_world()
    many_runs(world, 3)
    world.clock.advance(100 * DAY)

    class Dies(FakeBucket):
        def delete(self, keys: Iterable[str]) -> None:
            world.runs.delete(keys)
            raise KeyboardInterrupt

        list = world.runs.list

    dying = replace(world.scheduler, runs=Dies())
    with pytest.raises(KeyboardInterrupt):
        remove_expired(dying)
    assert (runs_left(world), world.runs.objects) == (3, {})
    world.clock.advance(60)
    world.tick()
    assert runs_left(world) == 0


def test_those_that_ended_longest_ago_go_first_whatever_their_dags_are_called(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(f"{ONE_TASK}retention_days: 900\n")
    for name, age in (("a", 0), ("z", 3600), ("m", 1800)):
        world.upload(f"name: {name}\ntasks: [{{id: t, command: x}}]", f"{name}.yaml")
        world.request(name)
        world.play(2, ticking=False)
        with world.database.write() as tx:
            tx.execute(
                "UPDATE runs SET ended_at = ended_at - ? WHERE dag_id = ?", (age * 10**6, name)
            )
    world.clock.advance(100 * DAY)
    with world.database.read() as tx:
        found = [expired_runs.expired(tx, world.clock(), 90, limit) for limit in (1, 2)]
    assert [{run.dag_id for run in some} for some in found] == [{"z"}, {"z", "m"}]


def test_the_last_versions_stay_however_old_and_those_that_runs_need(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    for number in range(VERSIONS_KEPT + 5):
        world.upload(f"{ONE_TASK}description: number {number + 1}\n")
        if number == 1:
            world.request("d")
    with world.database.write() as tx:
        later = world.clock() + timedelta(days=1)
        assert housekeeping.forget_versions(tx, later, 3) == 3
        assert housekeeping.forget_versions(tx, later, 3) == 1
        assert housekeeping.forget_versions(tx, later, 3) == 0
    left = [row[0] for row in world.all("SELECT version FROM dag_versions ORDER BY version")]
    assert left == [2, *range(6, VERSIONS_KEPT + 6)]


def test_of_notifications_the_oldest_go_that_nobody_waits_for(make_world: MakeWorld) -> None:
    world = make_world()
    begin = world.clock()
    with world.database.write() as tx:
        for number in range(5):
            key = notifications.insert(
                tx,
                dag_id="d",
                run_id="r",
                task_id=None,
                event=NotificationEvent.SUCCESS,
                kind=KindName("command"),
                target="x",
                payload={},
                due_at=begin,
                now=begin + timedelta(days=number),
            )
            if number != 1:
                notifications.end(tx, key, True, "")
        before = begin + timedelta(days=2.5)
        assert notifications.forget(tx, before, 2) == 1
        assert notifications.forget(tx, before, 2) == 1
        assert notifications.forget(tx, before, 9) == 0
    assert world.all("SELECT id FROM notifications") == [(2,), (4,), (5,)]


def test_runs_that_are_kept_for_longer_are_not_passed_by_each_time(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(f"{ONE_TASK}retention_days: 900\n")
    world.upload("name: E\ntasks: [{id: t, command: x}]", "e.yaml")
    for dag_id in "ddde":
        world.request(dag_id)
    world.play(2, ticking=False)
    seen: list[str] = []
    world.clock.advance(100 * DAY)
    with world.database.read() as tx:
        tx._connection.set_trace_callback(seen.append)
        found = expired_runs.expired(tx, world.clock(), 90, 10)
        tx._connection.set_trace_callback(None)
        steps = [str(tuple(row)[3]) for sql in seen for row in tx.all(f"EXPLAIN QUERY PLAN {sql}")]
    assert [run.dag_id for run in found] == ["e"]
    assert "SEARCH r USING COVERING INDEX runs_ended_by_dag (dag_id=? AND ended_at<?)" in steps
    assert not any(
        step.startswith(("SCAN runs", "SEARCH runs USING INDEX runs_ended ")) for step in steps
    )


def test_the_file_does_not_grow_while_as_much_is_removed_as_comes(tmp_path: Path) -> None:
    year = simulate(tmp_path, days=14, dags=20, keep_days=3)
    assert year.left <= 5 * 20 * RUNS_A_DAY
    assert year.removed >= 9 * 20 * RUNS_A_DAY
    assert year.sizes[-1] <= 1.1 * year.sizes[5]
