"""Reports from executors: late, doubled, reordered, bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.enums import Outcome
from chalicelib.messages import Attempt, Heartbeat, Result, TaskMessage, Wake
from chalicelib.ports import OutgoingMessage, ReceivedMessage
from chalicelib.scheduler import results
from chalicelib.scheduler.task_messages import SHORT_LOG_BYTES
from tests.support.world import World

MakeWorld = Callable[..., World]

ONE = "name: D\ntasks: [{id: t, command: x, retries: 1, retry_delay: 0}]"
PAIR = "name: D\ntasks: [{id: a, command: x}, {id: b, command: x}]"


def queued(world: World) -> Attempt:
    (message,) = world.tasks.receive()
    return TaskMessage.decode(message.body).attempt


def test_a_doubled_result_is_recorded_once(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    world.request("d")
    body = Result(queued(world), Outcome.SUCCESS, exit_code=0).encode()
    results.apply(world.scheduler, [body, body])
    results.apply(world.scheduler, [body])
    assert world.all("SELECT outcome FROM attempts") == [("success",)]


def test_the_first_of_two_different_results_wins(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    world.request("d")
    attempt = queued(world)
    results.apply(world.scheduler, [Result(attempt, Outcome.SUCCESS).encode()])
    results.apply(world.scheduler, [Result(attempt, Outcome.FAILED, exit_code=1).encode()])
    assert world.all("SELECT state FROM runs") == [("success",)]
    assert world.all("SELECT outcome FROM attempts") == [("success",)]


def test_a_late_result_cannot_overwrite_a_newer_attempt(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    run_id = world.request("d")
    first = queued(world)
    results.apply(world.scheduler, [Result(first, Outcome.FAILED, exit_code=1).encode()])
    world.play(3, ticking=False)  # the second attempt runs and succeeds
    results.apply(world.scheduler, [Result(first, Outcome.FAILED, exit_code=9).encode()])
    assert world.run_state(run_id) == "success"
    assert world.all("SELECT try_number, exit_code FROM attempts") == [(1, 1), (2, 0)]


def test_a_heartbeat_after_the_result_changes_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    run_id = world.request("d")
    attempt = queued(world)
    now = world.clock().timestamp()
    results.apply(world.scheduler, [Result(attempt, Outcome.SUCCESS).encode()])
    results.apply(world.scheduler, [Heartbeat(attempt, started_at=now, at=now).encode()])
    assert world.task_states(run_id) == {"t": "success"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[1]",
        '{"v": 1}',
        '{"v": 2, "kind": "result"}',
        '{"v": 1, "kind": "result", "attempt": {}, "outcome": "success"}',
        '{"v": 1, "kind": "wake", "at": "soon"}',
    ],
)
def test_a_message_that_cannot_be_read_is_set_aside(make_world: MakeWorld, body: str) -> None:
    world = make_world()
    assert results.apply(world.scheduler, [body]).set_aside == 1
    ((kept, reason),) = world.all("SELECT body, reason FROM dead_letters")
    assert kept == body
    assert reason


def test_one_bad_result_never_blocks_its_neighbours(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(PAIR)
    run_id = world.request("d")
    a, b = (TaskMessage.decode(message.body).attempt for message in world.tasks.receive())
    bad = json.loads(Result(a, Outcome.SUCCESS).encode()) | {"exit_code": 2**70}
    applied = results.apply(
        world.scheduler, ["nonsense", json.dumps(bad), Result(b, Outcome.SUCCESS).encode()]
    )
    assert applied.set_aside == 2
    assert world.task_states(run_id) == {"a": "queued", "b": "success"}
    world.play(400)  # the one whose report was bad is found by the repair
    assert world.run_state(run_id) in {"success", "failed"}


def test_a_full_batch_takes_what_waits_behind_it_along(make_world: MakeWorld) -> None:
    world = make_world()
    wakes = [OutgoingMessage(Wake(at=0.0).encode()) for _ in range(35)]
    world.results.send(wakes)
    assert results.apply_backlog(world.scheduler, [wake.body for wake in wakes[:9]]).reports == 9
    assert results.apply_backlog(world.scheduler, [wake.body for wake in wakes[:10]]).reports == 45
    assert world.results.bodies() == []


def test_a_report_of_an_unknown_run_is_ignored(make_world: MakeWorld) -> None:
    world = make_world()
    report = Result(Attempt("d", "d__x", "t", -1, 1), Outcome.SUCCESS).encode()
    assert results.apply(world.scheduler, [report]).set_aside == 0


def test_a_whole_backlog_is_one_transaction(make_world: MakeWorld) -> None:
    world = make_world()
    tasks = "".join(f"  - {{id: t{i}, command: x}}\n" for i in range(50))
    world.upload(f"name: D\nmax_active_tasks: 50\ntasks:\n{tasks}")
    run_id = world.request("d")
    messages: list[ReceivedMessage] = []
    while batch := world.tasks.receive(10):
        messages += batch
    before = world.all("SELECT max(seq) FROM commits")[0][0]
    results.apply(
        world.scheduler,
        [Result(TaskMessage.decode(m.body).attempt, Outcome.SUCCESS).encode() for m in messages],
    )
    assert world.run_state(run_id) == "success"
    assert world.all("SELECT max(seq) FROM commits")[0][0] == before + 1


def test_each_attempts_short_log_is_kept_until_the_run_is_removed(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    world.request("d")
    first = Result(queued(world), Outcome.FAILED, exit_code=1, log="try 1\n")
    results.apply(world.scheduler, [first.encode()])
    world.tick()
    second = Result(replace(first.attempt, try_number=2), Outcome.SUCCESS, log="try 2\n")
    results.apply(world.scheduler, [second.encode()])
    assert world.all("SELECT try_number, log FROM short_logs") == [(1, "try 1\n"), (2, "try 2\n")]
    with world.database.write() as tx:
        tx.execute("DELETE FROM runs")
    assert world.all("SELECT * FROM short_logs") == []


@pytest.mark.parametrize(("rest", "limit"), [("", SHORT_LOG_BYTES), (", sensor: {}", 0)])
def test_only_the_log_of_an_attempt_that_has_one_may_travel_in_its_result(
    make_world: MakeWorld, rest: str, limit: int
) -> None:
    world = make_world()
    world.upload(f"name: D\ntasks: [{{id: t, command: x{rest}}}]")
    world.request("d")
    (message,) = world.tasks.receive()
    assert TaskMessage.decode(message.body).log_in_result == limit
