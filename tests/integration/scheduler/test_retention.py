"""What is older than it needs to be goes, little by little: a round that took too long would be
rolled back, and the next ones as well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chalicelib.database import housekeeping, notifications, runs
from chalicelib.database.housekeeping import VERSIONS_KEPT
from chalicelib.scheduler.retention import MAX_TASKS
from tests.support.world import World

MakeWorld = Callable[..., World]

DAY = 86_400
ONE_TASK = "name: D\ntasks: [{id: t, command: x}]\n"
ROUND = 300


def runs_left(world: World) -> int:
    return int(world.all("SELECT count(*) FROM runs")[0][0])


def test_a_round_removes_no_more_task_instances_than_a_transaction_can(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    width = MAX_TASKS // 5
    tasks = "".join(f"  - {{id: t{number}, command: x}}\n" for number in range(width))
    world.upload(f"name: Wide\nmax_active_tasks: 1\ntasks:\n{tasks}")
    for _ in range(7):
        world.request("wide")
    with world.database.write() as tx:
        tx.execute("UPDATE task_instances SET state = 'success', due_at = NULL")
        tx.execute("UPDATE runs SET state = 'success', ended_at = created_at")
    world.clock.advance(100 * DAY)
    world.tick()
    assert runs_left(world) == 2
    world.clock.advance(ROUND)
    world.tick()
    assert runs_left(world) == 0


def test_a_run_that_alone_is_too_large_goes_alone(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE_TASK)
    first, _ = world.request("d"), world.request("d")
    world.play(2, ticking=False)
    with world.database.write() as tx:
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO task_instances (run_key, dag_id, task_id, map_index, state)"
            " SELECT id, 'd', 'many', i, 'success' FROM n, runs WHERE run_id = ?",
            (MAX_TASKS, first),
        )
    world.clock.advance(100 * DAY)
    world.tick()
    assert runs_left(world) == 1
    assert world.all("SELECT count(*) FROM task_instances") == [(1,)]


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
                event="success",
                kind="command",
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
        found = runs.expired(tx, world.clock(), 90, 10)
        tx._connection.set_trace_callback(None)
        steps = [str(tuple(row)[3]) for sql in seen for row in tx.all(f"EXPLAIN QUERY PLAN {sql}")]
    assert [run.dag_id for run in found] == ["e"]
    assert "SEARCH r USING COVERING INDEX runs_ended_of (dag_id=? AND ended_at<?)" in steps
    assert not any(
        step.startswith(("SCAN runs", "SEARCH runs USING INDEX runs_ended ")) for step in steps
    )
