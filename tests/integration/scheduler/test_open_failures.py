"""A failure stays open until its DAG succeeds or somebody acknowledges it, however old it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.database.queries import expired_runs
from chalicelib.errors import Conflict
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import acknowledgements, runs, task_instances
from tests.support.rows import insert
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

ONE = "name: D\ntasks: [{id: t, command: x}]"
TOLERANT = """
name: D
tasks:
  - {id: load, command: x}
  - {id: check, command: x}
  - {id: report, command: x, dependencies: [load, check], trigger_rule: all_done}
"""
MAPPED = """
name: D
tasks:
  - {id: copy, command: x, expand: {n: [1, 2, 3]}}
  - {id: report, command: x, dependencies: [copy], trigger_rule: all_done}
"""


class Faults:
    """The tasks that fail."""

    def __init__(self, *task_ids: str) -> None:
        self.task_ids = {*task_ids}

    def __call__(self, message: TaskMessage) -> Played:
        return FAIL if message.attempt.task_id in self.task_ids else SUCCEED


def ran(world: World, **options: Any) -> str:
    run_id = world.request("d", **options)
    world.play(20, ticking=False)
    return run_id


def open_runs(world: World) -> list[str]:
    return [
        row[0]
        for row in world.all(
            "SELECT r.run_id FROM open_failures f JOIN runs r ON r.id = f.run_key"
            " ORDER BY f.run_key"
        )
    ]


def test_a_failure_is_open_until_the_dag_succeeds(make_world: MakeWorld) -> None:
    faults = Faults("t")
    world = make_world(faults)
    world.upload(ONE)
    failures = [ran(world), ran(world)]
    assert open_runs(world) == failures
    faults.task_ids.clear()
    ran(world)
    assert open_runs(world) == []


def test_the_success_of_another_dag_closes_nothing(make_world: MakeWorld) -> None:
    faults = Faults("t")
    world = make_world(faults)
    world.upload(ONE)
    failure = ran(world)
    faults.task_ids.clear()
    world.upload(ONE.replace("name: D", "name: Other"), "other.yaml")
    world.request("other")
    world.play(20, ticking=False)
    assert open_runs(world) == [failure]


def test_a_run_that_succeeds_although_tasks_failed_says_how_many(make_world: MakeWorld) -> None:
    world = make_world(Faults("load", "check"))
    world.upload(TOLERANT)
    run_id = ran(world)
    assert world.all("SELECT state, failed_tasks, reason FROM runs") == [
        ("success", 2, "failed: load, check")
    ]
    assert open_runs(world) == [run_id]


def test_the_failed_copies_of_a_mapped_task_count_as_one_task(make_world: MakeWorld) -> None:
    world = make_world(Faults("copy"))
    world.upload(MAPPED)
    ran(world)
    assert world.all("SELECT state, failed_tasks FROM runs") == [("success", 1)]


def test_a_success_with_failed_tasks_closes_what_failed_before(make_world: MakeWorld) -> None:
    faults = Faults("report")
    world = make_world(faults)
    world.upload(TOLERANT)
    ran(world)
    faults.task_ids = {"load"}
    second = ran(world)
    assert open_runs(world) == [second]
    faults.task_ids.clear()
    ran(world)
    assert open_runs(world) == []


@pytest.mark.parametrize("tasks", [{"report"}, {"load"}], ids=["failed", "succeeded"])
def test_an_acknowledgement_closes_a_failure_and_earlier_ones(
    make_world: MakeWorld, tasks: set[str]
) -> None:
    world = make_world(Faults(*tasks))
    world.upload(TOLERANT)
    first, second, third = (ran(world) for _ in range(3))
    acknowledgements.acknowledge(world.scheduler, [second], "known", who="ann")
    assert open_runs(world) == [third]
    acknowledgements.unacknowledge(world.scheduler, second, who="ann")
    assert open_runs(world) == [second, third]
    assert first not in open_runs(world)


def test_only_a_run_with_a_failure_can_be_acknowledged(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    run_id = ran(world)
    with pytest.raises(Conflict, match="none of its tasks failed"):
        acknowledgements.acknowledge(world.scheduler, [run_id], None, who="ann")


@pytest.mark.parametrize("state", ["failed", "success"])
def test_what_runs_again_is_open_no_more_and_has_no_failed_tasks(
    make_world: MakeWorld, state: str
) -> None:
    world = make_world(Faults("report" if state == "failed" else "load"))
    world.upload(TOLERANT)
    run_id = ran(world)
    acknowledgements.acknowledge(world.scheduler, [run_id], None, who="ann")
    runs.clear(world.scheduler, run_id, who="ann")
    columns = "state, failed_tasks, acknowledged_at, success_acknowledged_at"
    assert world.all(f"SELECT {columns} FROM runs") == [("queued", 0, None, None)]
    assert open_runs(world) == []
    world.play(20, ticking=False)
    assert open_runs(world) == [run_id]


def test_marking_the_task_that_failed_closes_the_failure(make_world: MakeWorld) -> None:
    world = make_world(Faults("load"))
    world.upload(TOLERANT)
    run_id = ran(world)
    task_instances.mark(world.scheduler, run_id, "load", None, "success", who="ann")
    world.play(20, ticking=False)
    assert world.all("SELECT state, failed_tasks FROM runs") == [("success", 0)]
    assert open_runs(world) == []


def test_a_cancelled_run_neither_opens_nor_closes(make_world: MakeWorld) -> None:
    world = make_world(Faults("t"))
    world.upload(ONE)
    failure = ran(world)
    runs.cancel_run(world.scheduler, world.request("d"), who="ann")
    world.play(20, ticking=False)
    assert world.all("SELECT state FROM runs ORDER BY id") == [("failed",), ("cancelled",)]
    assert open_runs(world) == [failure]


def test_a_run_that_is_removed_is_open_no_more(make_world: MakeWorld) -> None:
    world = make_world(Faults("t"))
    world.upload(ONE)
    ran(world)
    with world.database.write() as tx:
        key = tx.value("SELECT id FROM runs")
        expired_runs.mark_for_removal(tx, key)
        expired_runs.delete_tasks(tx, key, 10)
        expired_runs.delete(tx, key)
    assert world.all("SELECT * FROM open_failures") == []


def test_a_dag_that_fails_for_ever_keeps_its_latest_hundred(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    ran(world)
    with world.database.write() as tx:
        (row,) = tx.all("SELECT * FROM runs")
        columns = dict(zip(row.keys(), row, strict=True))
        del columns["id"]
        for number in range(1, 151):
            changes = {"run_id": f"r{number}", "state": "failed", "logical_date": number}
            insert(tx, "runs", {**columns, **changes, "idempotency_key": None})
    assert open_runs(world) == [f"r{number}" for number in range(51, 151)]
