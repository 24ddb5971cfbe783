"""What a task left is recorded with its success, handed on, replaced, and removed with its run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.artifact_inputs import decode
from chalicelib.enums import Outcome
from chalicelib.messages import Attempt, Result, StoredArtifact, TaskMessage
from chalicelib.scheduler.commands import runs
from chalicelib.scheduler.retention import remove_expired
from chalicelib.scheduler.task_messages import MAX_MESSAGE_BYTES
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

CHAIN = """
name: D
tasks:
  - {id: make, command: x, artifacts: {a: out/a.csv}}
  - {id: use, command: y, dependencies: make, trigger_rule: all_done, inputs: {in: make.a}}
"""
MAPPED = """
name: D
tasks:
  - {id: list, command: x, outputs: [n]}
  - id: make
    command: x
    dependencies: list
    artifacts: {a: a}
    expand: {N: "{{ outputs.list.n }}"}
  - {id: use, command: y, dependencies: make, inputs: {in: make.a}}
"""


def kept(world: World) -> list[tuple[str, int, str]]:
    return [
        (str(name), int(number), str(sha256))
        for name, number, sha256 in world.all("SELECT name, try_number, sha256 FROM artifacts")
    ]


def artifact(sha256: str) -> StoredArtifact:
    return StoredArtifact("a", "a.csv", 3, sha256)


def result_of(world: World, sha256: str, number: int = 1, **more: object) -> Result:
    [(run_id,)] = world.all("SELECT run_id FROM runs")
    attempt = Attempt("d", str(run_id), "make", -1, number)
    at = world.clock().timestamp()
    given = {"started_at": at, "ended_at": at, "exit_code": 0, "artifacts": [artifact(sha256)]}
    return Result(attempt, Outcome.SUCCESS, **{**given, **more})  # type: ignore[arg-type]


def in_flight(make_world: MakeWorld) -> World:
    """The first task is at work, and reports only what the test says."""
    world = make_world(lambda _: Played(None))
    world.upload(CHAIN)
    world.request("d")
    world.play(1, ticking=False)
    return world


def test_an_artifact_is_recorded_in_the_commit_of_the_success(make_world: MakeWorld) -> None:
    world = in_flight(make_world)
    before = world.all("SELECT max(seq) FROM commits")
    world.report(result_of(world, "new").encode())
    world.apply()
    after = world.all("SELECT max(seq) FROM commits")
    assert kept(world) == [("a", 1, "new")]
    assert int(after[0][0]) - int(before[0][0]) == 1


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMEOUT, Outcome.CANCELLED])
def test_what_an_attempt_left_that_did_not_succeed_is_not_recorded(
    make_world: MakeWorld, outcome: Outcome
) -> None:
    world = in_flight(make_world)
    failed = result_of(world, "x")
    world.report(Result(failed.attempt, outcome, artifacts=failed.artifacts).encode())
    world.apply()
    assert kept(world) == []


def test_a_late_or_doubled_result_replaces_nothing(make_world: MakeWorld) -> None:
    world = in_flight(make_world)
    for sha256 in ("first", "second"):
        world.report(result_of(world, sha256).encode())
        world.apply()
    assert kept(world) == [("a", 1, "first")]


def test_a_result_whose_artifacts_say_nothing_is_set_aside_alone(make_world: MakeWorld) -> None:
    world = in_flight(make_world)
    good = result_of(world, "good").encode()
    for bad in ('"artifacts":[7]', '"artifacts":[{"name":"a"}]', '"artifacts":{}'):
        start = good.index('"artifacts":')
        world.report(good[:start] + bad + "}")
    world.report(good)
    world.apply()
    assert kept(world) == [("a", 1, "good")]
    assert world.all("SELECT count(*) FROM dead_letters")[0][0] == 3


def test_an_input_is_the_attempt_that_succeeded_last(make_world: MakeWorld) -> None:
    world = make_world(lambda task: FAIL if task.attempt.try_number == 1 else SUCCEED)
    world.upload(CHAIN.replace("command: x,", "command: x, retries: 1, retry_delay: 1,"))
    world.request("d")
    world.play(10)
    [used] = [task for _, task in world.executor.started if task.attempt.task_id == "use"][:1]
    [(path, file)] = decode(used.materials[-1])
    assert (path, file.attempt.task_id, file.attempt.try_number) == ("in", "make", 2)
    assert file.key.endswith("/make/-1/2/artifacts/a")


def test_what_a_cleared_task_left_counts_no_more(make_world: MakeWorld) -> None:
    fails: list[bool] = []

    def script(task: TaskMessage) -> Played:
        return FAIL if fails and task.attempt.task_id == "make" else SUCCEED

    world = make_world(script)
    world.upload(CHAIN)
    run_id = world.request("d")
    world.play(5)
    assert world.run_state(run_id) == "success"
    fails.append(True)
    runs.clear(world.scheduler, run_id, who="ann", task_ids=["make"], downstream=True)
    world.play(5)
    assert kept(world) == []
    assert world.task_states(run_id) == {"make": "failed", "use": "failed"}
    [(reason,)] = world.all("SELECT reason FROM task_instances WHERE task_id = 'use'")
    assert reason == "its input `in` is not there: task `make`, whose artifact `a` it is, failed"


def test_artifacts_go_with_their_run(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    run_id = world.request("d")
    world.play(5)
    key = Attempt("d", run_id, "make", -1, 1).artifact_key("a")
    world.runs.put(key, b"a,b")
    world.clock.advance(timedelta(days=400).total_seconds())
    remove_expired(world.scheduler)
    assert kept(world) == []
    assert world.runs.get(key) is None


@pytest.mark.parametrize(("number", "state"), [(1500, "success"), (5000, "failed")])
def test_the_inputs_of_a_mapped_task_fit_into_a_message_or_the_task_says_why(
    make_world: MakeWorld, number: int, state: str
) -> None:
    world = make_world(lambda _: Played(outputs={"n": "[1]"}))
    world.upload(MAPPED)
    run_id = world.request("d")
    world.play(0.15, ticking=False)
    with world.database.write() as tx:
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)"
            " INSERT INTO task_instances (run_key, dag_id, task_id, map_index, state, try_number)"
            " SELECT id, 'd', 'make', i, 'success', 1 FROM runs, n",
            (number,),
        )
        tx.execute(
            "INSERT INTO artifacts (task_instance_id, name, try_number, file_name, size_bytes,"
            " sha256, created_at) SELECT id, 'a', 1, 'a', 123456, ?, 0 FROM task_instances"
            " WHERE task_id = 'make' AND map_index > 0",
            ("0" * 64,),
        )
    world.play(30)
    assert world.task_states(run_id)["use"] == state
    [(reason,)] = world.all("SELECT reason FROM task_instances WHERE task_id = 'use'")
    if state == "failed":
        assert f"at most {MAX_MESSAGE_BYTES} can be sent; the input `in` has the most" in reason
