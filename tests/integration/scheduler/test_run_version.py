"""A run whose file changes: which version each attempt runs with, and which tasks it has then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.enums import Outcome, Reprocess
from chalicelib.errors import Conflict, NotFound
from chalicelib.messages import Result
from chalicelib.scheduler.commands import backfills, runs
from chalicelib.scheduler.commands import task_instances as task_commands
from tests.support.versions import (
    B2,
    NEW,
    A,
    B,
    C,
    MakeWorld,
    again,
    commands,
    dag,
    failing,
    ran,
    rows,
    versions,
)
from tests.support.world import FAIL, Played

# ---------------------------------------------------------------- attempts


def test_a_run_keeps_its_version_until_something_of_it_is_cleared(make_world: MakeWorld) -> None:
    world = make_world(failing("t"))
    retried = "id: t, command: {}, retries: 1, retry_delay: 10"
    world.upload(dag(retried.format("one")))
    world.upload(dag(retried.format("two")))
    world.request("d")
    world.play(1, ticking=False)
    world.upload(dag(retried.format("three")))
    world.play(30)
    assert versions(world) == [("t", 1, 2), ("t", 2, 2)]
    assert commands(world) == ["two", "two"]


def test_a_task_that_triggers_another_dag_tells_its_version_too(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: Child\ntasks: [{id: c, command: x}]", "child.yaml")
    world.upload(dag("id: go, trigger_dag_id: child, wait_for_completion: true"))
    world.request("d")
    world.play(5, ticking=False)
    assert versions(world) == [("go", 1, 1), ("c", 1, 1)]


def test_a_message_that_is_sent_again_is_that_of_its_attempts_version(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(dag(A, "id: z, command: z1"))
    run_id = world.request("d")
    batch = world.tasks.receive(10)
    (first,) = [m for m in batch if '"z1"' in m.body]
    world.tasks.delete([m for m in batch if m is first])  # it is lost
    world.play(3, ticking=False)
    world.executor.take(next(m for m in batch if m is not first))
    world.play(3, ticking=False)
    world.upload(dag("id: a, command: a2", "id: z, command: z2"))
    again(world, run_id, task_ids=["a"])
    world.play(300)
    assert commands(world) == ["a1", "a2", "z1"]
    assert versions(world) == [("a", 1, 1), ("a", 2, 2), ("z", 1, 1)]


# ---------------------------------------------------------------- which version


def test_a_task_that_is_cleared_runs_with_the_file_as_it_is_now(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B, C), failing("b"))
    world.upload(dag(A, B2, C))
    cleared = again(world, run_id, task_ids=["b"], downstream=True)
    assert (cleared.run_version, cleared.choice.version) == (1, 2)
    assert commands(world) == ["a1", "b1", "b2", "c1"]
    assert world.run_state(run_id) == "success"
    assert versions(world) == [("a", 1, 1), ("b", 1, 1), ("b", 2, 2), ("c", 1, 2)]
    details = json.loads(world.all("SELECT details FROM audit ORDER BY id DESC LIMIT 1")[0][0])
    assert details == {"tasks": ["b", "c"], "from_version": 1, "version": 2}


@pytest.mark.parametrize("by_dag", [True, False, None])
@pytest.mark.parametrize("wanted", [True, False, None])
@pytest.mark.parametrize("door", ["clear", "retry", "backfill"])
def test_the_request_decides_else_the_file_as_it_is_now(
    make_world: MakeWorld, door: str, wanted: bool | None, by_dag: bool | None
) -> None:
    world = make_world()
    hourly = 'schedule: "0 * * * *"'
    run_id = ran(world, dag("id: t, command: old", head=hourly), failing("t"))
    said = "" if by_dag is None else f"\nrerun_with_latest_version: {str(by_dag).lower()}"
    world.upload(dag("id: t, command: new", head=hourly + said))
    if door == "clear":
        runs.clear(world.scheduler, run_id, run_on_latest_version=wanted, who="ann")
    elif door == "retry":
        runs.retry_run(world.scheduler, run_id, run_on_latest_version=wanted, who="ann")
    else:
        (date,) = world.all("SELECT logical_date FROM runs")[0]
        with world.database.write() as tx:  # that of a fire time, as a backfill finds it
            tx.execute("UPDATE runs SET logical_date = ?", (date - date % 3_600_000_000,))
        now = world.clock()
        backfills.create(
            world.scheduler,
            "d",
            who="ann",
            from_date=now.replace(minute=0, second=0, microsecond=0),
            to_date=now,
            reprocess=Reprocess.FAILED,
            run_on_latest_version=wanted,
        )
    world.play(5, ticking=False)
    is_latest = wanted if wanted is not None else by_dag is not False
    assert commands(world) == ["old", "new" if is_latest else "old"]
    assert world.run_state(run_id) == "success"


def test_a_broken_file_leaves_the_last_good_version_the_latest_and_says_so(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B), failing("b"))
    world.upload(dag(A, B2))
    world.upload("name: D\ntasks: [{id: b, comand: b3}]")
    would = runs.retry_run(world.scheduler, run_id, dry_run=True, who="ann")
    assert (would.choice.version, would.choice.latest, would.choice.is_broken) == (2, 2, True)
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert commands(world) == ["a1", "b1", "b2"]


def test_a_run_whose_own_version_cannot_be_read_goes_on_with_the_latest(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B), failing("b"))
    world.upload(dag(A, B2))
    with world.database.write() as tx:
        tx.execute("UPDATE dag_versions SET digest = 'x', compiled = '{' WHERE version = 1")
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert (world.run_state(run_id), commands(world)) == ("success", ["a1", "b1", "b2"])


def test_a_second_click_clears_nothing_twice(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B), failing("b"))
    world.upload(dag(A, B2))
    late = world.executor.started[-1][1].attempt
    runs.retry_run(world.scheduler, run_id, who="ann")
    for _ in range(2):
        with pytest.raises(Conflict, match="nothing to retry"):
            runs.retry_run(world.scheduler, run_id, who="ann")
        with pytest.raises(Conflict, match="is queued; cancel it first"):
            runs.clear(world.scheduler, run_id, task_ids=["b"], who="ann")
    world.report(Result(late, Outcome.FAILED, exit_code=3).encode())  # told once more
    world.play(5, ticking=False)
    assert (world.run_state(run_id), commands(world)) == ("success", ["a1", "b1", "b2"])


def test_an_active_run_of_a_removed_dag_goes_on_with_its_own_version(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda task: FAIL if task.attempt.task_id == "a" else Played(seconds=60))
    world.upload(dag(A, "id: z, command: z1"))
    run_id = world.request("d")
    world.play(3, ticking=False)
    world.remove()
    with pytest.raises(Conflict, match="has no latest version, because its file was removed"):
        runs.clear(world.scheduler, run_id, task_ids=["a"], run_on_latest_version=True, who="ann")
    cleared = again(world, run_id, task_ids=["a"])
    assert (cleared.choice.version, cleared.choice.latest) == (1, None)
    assert commands(world) == ["a1", "z1", "a1"]


def test_a_dry_run_changes_nothing_and_tells_what_the_run_would_do(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B, C), failing("b"))
    world.upload(dag("id: a, command: a1, retries: 2", B2, NEW, head="env: {X: y}"))
    before = world.all("SELECT * FROM task_instances"), world.all("SELECT * FROM runs")
    would = runs.retry_run(world.scheduler, run_id, dry_run=True, who="ann")
    assert (world.all("SELECT * FROM task_instances"), world.all("SELECT * FROM runs")) == before
    assert would.tasks == (("b", -1, "failed"),)
    changes = would.choice.changes
    assert (changes.added, changes.removed, changes.dag_fields) == (("new",), ("c",), ("env",))
    assert [(c.task_id, c.fields) for c in changes.changed] == [
        ("a", ("retries",)),
        ("b", ("command",)),
    ]
    did = runs.retry_run(world.scheduler, run_id, who="ann")
    assert did == would
    other = runs.clear(
        world.scheduler,
        run_id,
        task_ids=["a"],
        dry_run=True,
        run_on_latest_version=False,
        who="ann",
    )
    assert (other.choice.version, other.choice.changes.added) == (2, ())


# ---------------------------------------------------------------- added and removed tasks


def test_new_tasks_appear_and_removed_ones_go_unless_they_ran(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B, C, "id: d, command: d1, dependencies: a"), failing("b"))
    assert rows(world, run_id) == {
        "a": "success",
        "b": "failed",
        "c": "upstream_failed",
        "d": "success",
    }
    world.upload(dag(A, B2, NEW))
    again(world, run_id, task_ids=["b"])
    assert rows(world, run_id) == {
        "a": "success",
        "b": "success",
        "d": "(success)",
        "new": "success",
    }
    assert world.run_state(run_id) == "success"
    assert ("d", 1, 1) in versions(world)


def test_a_failed_task_that_was_removed_no_longer_decides_how_the_run_ends(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B), failing("b"))
    world.upload(dag(A, NEW))
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert rows(world, run_id) == {"a": "success", "b": "(failed)", "new": "success"}
    assert (world.run_state(run_id), commands(world)) == ("success", ["a1", "b1", "n1"])


@pytest.mark.parametrize("options", [{"task_ids": ["b"]}, {"task_ids": ["a", "b"]}])
def test_a_task_that_is_no_longer_in_the_file_cannot_be_cleared(
    make_world: MakeWorld, options: dict[str, Any]
) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B), failing("b"))
    world.upload(dag(A))
    before = rows(world, run_id)
    with pytest.raises(Conflict, match=r"'b' .* no longer in the file \(version 2\)"):
        runs.clear(world.scheduler, run_id, **options, who="ann")
    with pytest.raises(NotFound, match="has no task 'z'"):
        runs.clear(world.scheduler, run_id, task_ids=["z"], who="ann")
    assert (rows(world, run_id), world.run_state(run_id)) == (before, "failed")
    again(world, run_id, **options, run_on_latest_version=False)
    assert commands(world)[2:].count("b1") == 1


def test_a_retry_is_refused_where_all_that_failed_is_no_longer_in_the_file(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B), failing("b"))
    world.upload(dag(A))
    for is_dry in (True, False):
        with pytest.raises(Conflict, match=r"did not succeed .* no longer in the file.*: b;"):
            runs.retry_run(world.scheduler, run_id, dry_run=is_dry, who="ann")
    assert rows(world, run_id) == {"a": "success", "b": "failed"}
    again(world, run_id)
    assert rows(world, run_id) == {"a": "success", "b": "(failed)"}
    assert world.run_state(run_id) == "success"


def test_a_success_is_not_retried_because_its_file_has_changed(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A))
    world.upload(dag(A, NEW))
    with pytest.raises(Conflict, match="nothing to retry"):
        runs.retry_run(world.scheduler, run_id, who="ann")
    assert rows(world, run_id) == {"a": "success"}


def test_what_runs_of_a_removed_task_ends_and_decides_nothing(make_world: MakeWorld) -> None:
    world = make_world(
        lambda task: Played(Outcome.FAILED, 30, 1) if task.attempt.task_id == "z" else FAIL
    )
    world.upload(
        dag(A, "id: z, command: z1, retries: 5, on_failure: [{command: tell}]", "id: y, command: x")
    )
    run_id = world.request("d")
    world.play(3, ticking=False)
    world.executor.script = failing()
    world.upload(dag("id: a, command: a2", "id: y, command: x"))
    again(world, run_id, only_failed=True)
    assert rows(world, run_id) == {"a": "success", "y": "success", "z": "(running)"}
    assert world.run_state(run_id) == "running"  # it holds its slot as long
    world.play(60)
    assert rows(world, run_id) == {"a": "success", "y": "success", "z": "(failed)"}
    assert world.run_state(run_id) == "success"
    assert ("z", 1, 1) in versions(world)
    assert world.executor.notified == []


@pytest.mark.parametrize("how", ["run", "task", "silence"])
def test_what_runs_of_a_removed_task_can_be_stopped_and_is_missed(
    make_world: MakeWorld, how: str
) -> None:
    script = {"z": Played(None) if how == "silence" else Played(seconds=900)}
    world = make_world(lambda task: script.get(task.attempt.task_id, FAIL))
    world.upload(dag(A, "id: z, command: z1, retries: 3"))
    run_id = world.request("d")
    world.play(3, ticking=False)
    world.upload(dag("id: a, command: a2"))
    again(world, run_id, task_ids=["a"])
    if how == "run":
        runs.cancel_run(world.scheduler, run_id, who="ann")
    elif how == "task":
        task_commands.cancel_task(world.scheduler, run_id, "z", who="ann")
    world.play(600)
    assert rows(world, run_id)["z"] == ("(failed)" if how == "silence" else "(cancelled)")
    assert world.run_state(run_id) == ("cancelled" if how == "run" else "failed")


def test_a_removed_task_that_waits_for_its_retry_is_not_tried_again(make_world: MakeWorld) -> None:
    world = make_world(failing("a", "z"))
    world.upload(dag(A, "id: z, command: z1, retries: 3, retry_delay: 60"))
    run_id = world.request("d")
    world.play(3, ticking=False)
    world.upload(dag("id: a, command: a2"))
    world.executor.script = failing()
    again(world, run_id, seconds=200, task_ids=["a"])
    assert rows(world, run_id) == {"a": "success", "z": "(cancelled)"}
    reason = "version 2 of the DAG has no such task"
    assert world.all("SELECT reason FROM task_instances WHERE task_id = 'z'") == [(reason,)]
    assert world.run_state(run_id) == "success"


def test_a_task_that_comes_back_stands_as_it_stood(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B, C), failing("c"))
    world.upload(dag(A, "id: c, command: c2, dependencies: a"))
    again(world, run_id, task_ids=["c"])
    assert rows(world, run_id) == {"a": "success", "b": "(success)", "c": "success"}
    world.upload(dag(A, B, C))
    again(world, run_id, task_ids=["c"])
    assert rows(world, run_id) == {"a": "success", "b": "success", "c": "success"}
    assert commands(world) == ["a1", "b1", "c1", "c2", "c1"]
    assert versions(world)[-3:] == [("c", 1, 1), ("c", 2, 2), ("c", 3, 3)]


def test_history_can_be_read_and_neither_marked_nor_cleared(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, B))
    world.upload(dag(A))
    again(world, run_id)
    with pytest.raises(Conflict, match="no longer in version 2 of the DAG"):
        task_commands.mark(world.scheduler, run_id, "b", None, "failed", who="ann")
    with pytest.raises(Conflict, match="no longer in the file"):
        runs.clear(world.scheduler, run_id, task_ids=["b"], run_on_latest_version=False, who="ann")
    assert rows(world, run_id) == {"a": "success", "b": "(success)"}
