"""What people ask for: cancel, clear, mark, retry, run again; legal only where it makes sense."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.claims import BucketClaims
from chalicelib.enums import Outcome
from chalicelib.errors import Conflict, InvalidRequest, NotFound, Unavailable
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import acknowledgements, runs
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import task_instances as task_commands
from tests.support.fakes import FakeBucket
from tests.support.waiting import HANG_SECONDS
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

CHAIN = """
name: Chain
tags: [nightly]
schedule: "0 * * * *"
tasks:
  - {id: a, command: x}
  - {id: b, command: x, dependencies: [a]}
  - {id: c, command: x, dependencies: [b]}
"""


class DeadBucket(FakeBucket):
    """The process dies before it can write."""

    def create(self, key: str, body: bytes) -> bool:
        raise Unavailable("dead")


class MeetingBucket(FakeBucket):
    """Answers two who want to create something at the same time, and no one alone."""

    def __init__(self) -> None:
        super().__init__()
        self._meeting = threading.Barrier(2)

    def create(self, key: str, body: bytes) -> bool:
        self._meeting.wait(HANG_SECONDS)
        return super().create(key, body)


def failing(*task_ids: str) -> Callable[[TaskMessage], Played]:
    return lambda task: FAIL if task.attempt.task_id in task_ids else SUCCEED


def slow(seconds: float) -> Callable[[TaskMessage], Played]:
    return lambda _: Played(seconds=seconds)


def test_a_cancelled_run_starts_nothing_more_and_stops_what_runs(make_world: MakeWorld) -> None:
    world = make_world(slow(100))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(2, ticking=False)
    runs.cancel_run(world.scheduler, run_id, who="ann")
    world.play(2, ticking=False)
    assert world.run_state(run_id) == "cancelled"
    assert world.task_states(run_id) == dict.fromkeys("abc", "cancelled")
    assert len(world.executor.started) == 1


def test_a_cancelled_task_that_has_not_begun_never_begins(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    run_id = world.request("chain")
    runs.cancel_run(world.scheduler, run_id, who="ann")
    world.play(120)
    assert world.executor.started == []
    assert world.run_state(run_id) == "cancelled"


def test_a_run_that_waits_for_a_slot_is_cancelled_at_once(make_world: MakeWorld) -> None:
    world = make_world(slow(100))
    world.upload(CHAIN + "max_active_runs: 1")
    world.request("chain")
    waiting = world.request("chain")
    runs.cancel_run(world.scheduler, waiting, who="ann")
    assert world.run_state(waiting) == "cancelled"
    assert set(world.task_states(waiting).values()) == {"cancelled"}


def test_a_cancel_whose_process_died_before_it_could_ask_is_repeated_by_the_tick(
    make_world: MakeWorld,
) -> None:
    world = make_world(slow(1000))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(2, ticking=False)
    object.__setattr__(world.scheduler, "claims", BucketClaims(DeadBucket()))
    runs.cancel_run(world.scheduler, run_id, who="ann")
    object.__setattr__(world.scheduler, "claims", world.claims)
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "running"
    world.play(60)
    assert world.run_state(run_id) == "cancelled"


def test_what_has_ended_cannot_be_cancelled_and_a_second_click_changes_nothing(
    make_world: MakeWorld,
) -> None:
    world = make_world(slow(100))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(1, ticking=False)
    runs.cancel_run(world.scheduler, run_id, who="ann")
    runs.cancel_run(world.scheduler, run_id, who="ann")
    world.play(2, ticking=False)
    with pytest.raises(Conflict, match=r"has already ended \(cancelled\)"):
        runs.cancel_run(world.scheduler, run_id, who="ann")
    assert world.all("SELECT action FROM audit") == [("run",), ("cancel",)]


def test_one_task_can_be_cancelled(make_world: MakeWorld) -> None:
    world = make_world(slow(3))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(1, ticking=False)
    task_commands.cancel_task(world.scheduler, run_id, "c", who="ann")
    world.play(20, ticking=False)
    assert world.task_states(run_id) == {"a": "success", "b": "success", "c": "cancelled"}
    assert world.run_state(run_id) == "cancelled"
    with pytest.raises(Conflict):
        task_commands.cancel_task(world.scheduler, run_id, "a", who="ann")


def test_a_retried_run_runs_what_failed_and_keeps_the_history(make_world: MakeWorld) -> None:
    world = make_world(failing("b"))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "failed"
    world.executor.script = lambda _: SUCCEED
    would = runs.retry_run(world.scheduler, run_id, dry_run=True, who="ann").tasks
    assert would == (("b", -1, "failed"), ("c", -1, "upstream_failed"))
    assert world.run_state(run_id) == "failed"
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "success"
    attempts = "SELECT attempts.try_number, outcome FROM attempts JOIN task_instances t ON t.id ="
    attempts += " task_instance_id WHERE task_id = 'b' ORDER BY 1"
    assert world.all(attempts) == [(1, "failed"), (2, "success")]
    started = [task.attempt.task_id for _, task in world.executor.started]
    assert started == ["a", "b", "b", "c"]


def test_a_cleared_task_has_all_its_retries_again(make_world: MakeWorld) -> None:
    world = make_world(failing("t"))
    world.upload("name: D\ntasks: [{id: t, command: x, retries: 1, retry_delay: 1}]")
    run_id = world.request("d")
    world.play(10, ticking=False)
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(10, ticking=False)
    assert [task.attempt.try_number for _, task in world.executor.started] == [1, 2, 3, 4]


def test_clearing_with_downstream_runs_the_rest_again(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(5, ticking=False)
    cleared = runs.clear(world.scheduler, run_id, task_ids=["b"], downstream=True, who="ann")
    assert [task_id for task_id, _, _ in cleared.tasks] == ["b", "c"]
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "success"
    assert [task.attempt.task_id for _, task in world.executor.started] == list("abcbc")


def test_a_cleared_run_waits_for_a_slot_like_any_other(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN + "max_active_runs: 1")
    first = world.request("chain")
    world.play(5, ticking=False)
    world.executor.script = slow(50)
    world.request("chain")
    world.play(1, ticking=False)
    runs.clear(world.scheduler, first, who="ann")
    world.play(5, ticking=False)
    assert world.run_state(first) == "queued"
    assert len(world.executor.running) == 1


def test_what_runs_cannot_be_cleared(make_world: MakeWorld) -> None:
    world = make_world(slow(50))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(1, ticking=False)
    with pytest.raises(Conflict, match=r"'a'.* is running; cancel it first"):
        runs.clear(world.scheduler, run_id, who="ann")
    with pytest.raises(NotFound, match="no task 'z'"):
        runs.clear(world.scheduler, run_id, task_ids=["z"], who="ann")


def test_a_run_that_is_being_stopped_cannot_be_cleared(make_world: MakeWorld) -> None:
    world = make_world(slow(50))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(1, ticking=False)
    runs.cancel_run(world.scheduler, run_id, who="ann")
    with pytest.raises(Conflict, match="being stopped; clear it once it has ended"):
        runs.clear(world.scheduler, run_id, task_ids=["b"], who="ann")
    world.play(2, ticking=False)
    runs.clear(world.scheduler, run_id, task_ids=["b"], who="ann")
    assert world.task_states(run_id)["b"] == "upstream_failed"


def test_a_late_result_of_before_the_clearing_changes_nothing(make_world: MakeWorld) -> None:
    world = make_world(failing("a"))
    world.upload(CHAIN)
    run_id = world.request("chain")
    (message,) = world.tasks.receive()
    world.executor.take(message)
    world.clock.advance(1)
    world.executor.finish_due()
    bodies = world.results.bodies()
    world.apply()
    world.executor.script = lambda _: SUCCEED
    runs.retry_run(world.scheduler, run_id, who="ann")
    for body in bodies:
        world.report(body)
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "success"


def test_marking_a_failure_as_success_lets_the_run_succeed(make_world: MakeWorld) -> None:
    world = make_world(failing("c"))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(5, ticking=False)
    task_commands.mark(world.scheduler, run_id, "c", None, "success", who="ann")
    world.play(1, ticking=False)
    assert world.run_state(run_id) == "success"
    reasons = world.all("SELECT reason FROM task_instances WHERE task_id = 'c'")
    assert reasons == [("marked success by ann",)]
    with pytest.raises(InvalidRequest):
        task_commands.mark(world.scheduler, run_id, "c", None, "cancelled", who="ann")
    task_commands.mark(world.scheduler, run_id, "c", None, "success", who="ann")  # a second click
    assert world.run_state(run_id) == "success"
    assert [row[0] for row in world.all("SELECT action FROM audit")].count("mark success") == 1


def test_what_a_failure_had_blocked_runs_when_it_is_marked_as_success(
    make_world: MakeWorld,
) -> None:
    world = make_world(failing("a"))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(5, ticking=False)
    assert world.task_states(run_id) == {
        "a": "failed",
        "b": "upstream_failed",
        "c": "upstream_failed",
    }
    task_commands.mark(world.scheduler, run_id, "b", None, "success", who="ann")
    world.play(5, ticking=False)
    assert world.task_states(run_id) == {"a": "failed", "b": "success", "c": "success"}
    task_commands.mark(world.scheduler, run_id, "a", None, "success", who="ann")
    assert world.run_state(run_id) == "success"


def test_what_runs_cannot_be_marked(make_world: MakeWorld) -> None:
    world = make_world(slow(50))
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(1, ticking=False)
    with pytest.raises(Conflict, match="is running; cancel it first"):
        task_commands.mark(world.scheduler, run_id, "a", None, "success", who="ann")


def test_a_run_can_be_made_again_with_its_params(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\nparams: {who: nobody}\ntasks: [{id: t, command: x}]")
    first = world.request("d", params={"who": "ann"})
    again = runs.rerun(world.scheduler, first, who="ann")
    rows = world.all("SELECT run_id, params, note FROM runs ORDER BY id")
    assert [(row[0], json.loads(row[1])) for row in rows] == [
        (first, {"who": "ann"}),
        (again, {"who": "ann"}),
    ]
    assert rows[1][2] == f"rerun of {first}"


def test_a_second_click_makes_no_second_run(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    first = world.request("d")
    world.play(59, ticking=False)
    again = runs.rerun(world.scheduler, first, who="ann")
    assert runs.rerun(world.scheduler, first, who="ann") == again
    world.play(2, ticking=False)  # the next minute of the clock
    assert runs.rerun(world.scheduler, first, who="ann") == again
    world.play(60, ticking=False)
    assert runs.rerun(world.scheduler, first, who="ann") not in (first, again)


@pytest.mark.parametrize("words", ["retries: 3, retry_delay: 1", "sensor: {poke_interval: 1}"])
@pytest.mark.parametrize("what", ["run", "task"])
def test_what_fails_by_itself_while_it_is_being_stopped_is_not_tried_again(
    make_world: MakeWorld, words: str, what: str
) -> None:
    world = make_world(slow(100))
    world.upload(f"name: D\ntasks: [{{id: t, command: x, {words}}}]")
    run_id = world.request("d")
    world.play(1, ticking=False)
    if what == "run":
        runs.cancel_run(world.scheduler, run_id, who="ann")
    else:
        task_commands.cancel_task(world.scheduler, run_id, "t", who="ann")
    ((_, running),) = world.executor.running
    world.report(replace(running, outcome=Outcome.FAILED, exit_code=1).encode())
    world.play(60)
    assert world.run_state(run_id) == ("cancelled" if what == "run" else "failed")
    assert world.task_states(run_id) == {"t": "failed"}
    assert len(world.executor.started) == 1


def test_dags_are_paused_by_tag(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN, "1.yaml")
    world.upload(CHAIN.replace("Chain", "Other").replace("nightly", "daily"), "2.yaml")
    assert dag_commands.set_paused_by_tag(world.scheduler, "nightly", True, who="ann") == ["chain"]
    assert dag_commands.set_paused_by_tag(world.scheduler, "nightly", True, who="ann") == []
    rows = world.all("SELECT dag_id, is_paused FROM dags ORDER BY 1")
    assert rows == [("chain", 1), ("other", 0)]


def test_every_change_leaves_an_audit_row(make_world: MakeWorld) -> None:
    world = make_world(failing("a"))
    world.upload(CHAIN)
    run_id = world.request("chain", who="ann")
    world.play(3, ticking=False)
    runs.retry_run(world.scheduler, run_id, who="bob")
    runs.cancel_run(world.scheduler, run_id, who="cy")
    runs.set_note(world.scheduler, run_id, "why", who="di")
    dag_commands.set_paused(world.scheduler, "chain", True, who="ed")
    rows = world.all("SELECT who, action, target FROM audit ORDER BY id")
    assert rows == [
        ("ann", "run", "chain"),
        ("bob", "clear", run_id),
        ("cy", "cancel", run_id),
        ("di", "note", run_id),
        ("ed", "pause", "chain"),
    ]


def test_a_run_of_a_removed_dag_cannot_run_again_and_is_told_so(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHAIN)
    run_id = world.request("chain")
    world.play(2, ticking=False)
    world.remove()
    for again in (
        lambda: runs.clear(world.scheduler, run_id, who="ann"),
        lambda: runs.clear(world.scheduler, run_id, dry_run=True, who="ann"),
        lambda: task_commands.mark(world.scheduler, run_id, "a", None, "failed", who="ann"),
    ):
        with pytest.raises(Conflict, match="upload it again"):
            again()
    assert world.run_state(run_id) == "success"


def test_what_a_cancel_stops_is_stopped_at_once_and_not_one_by_one(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: Wide\ntasks: [{id: a, command: x}, {id: b, command: x}]")
    run_id = world.request("wide")
    bucket = MeetingBucket()
    object.__setattr__(world.scheduler, "claims", BucketClaims(bucket))
    runs.cancel_run(world.scheduler, run_id, who="ann")
    assert len(bucket.list("")) == 2
    world.apply()
    assert world.run_state(run_id) == "cancelled"


SKIP_RULES = """
name: D
tasks:
  - {id: a, command: x}
  - {id: usual, command: x, dependencies: a}
  - {id: all_the_same, command: x, dependencies: a, trigger_rule: none_failed}
"""


def test_what_a_failure_had_blocked_is_decided_anew_when_it_is_marked_as_skipped(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda m: FAIL if m.attempt.task_id == "a" else SUCCEED)
    world.upload(SKIP_RULES)
    run_id = world.request("d")
    world.play(1)
    assert world.task_states(run_id)["all_the_same"] == "upstream_failed"
    task_commands.mark(world.scheduler, run_id, "a", None, "skipped", who="ann")
    world.play(1)
    assert world.run_state(run_id) == "success"
    assert world.task_states(run_id) == {
        "a": "skipped",
        "usual": "skipped",
        "all_the_same": "success",
    }
    reasons = dict(world.all("SELECT task_id, reason FROM task_instances"))
    assert reasons["a"] == "marked skipped by ann"


def test_a_task_that_waits_is_marked_as_skipped_and_those_behind_it_go_on(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: Played(seconds=30))
    world.upload(
        "name: D\ntasks: [{id: a, command: x}, {id: b, command: x, dependencies: a},"
        " {id: c, command: x, dependencies: b, trigger_rule: all_done}]"
    )
    run_id = world.request("d")
    world.play(1)
    task_commands.mark(world.scheduler, run_id, "b", None, "skipped", who="ann")
    world.play(1)
    assert world.task_states(run_id) == {"a": "running", "b": "skipped", "c": "running"}


def test_one_mapped_instance_is_marked_as_skipped(make_world: MakeWorld) -> None:
    world = make_world(lambda m: FAIL if m.env.get("N") == "2" else SUCCEED)
    world.upload("name: D\ntasks: [{id: m, command: x, expand: {N: [1, 2, 3]}}]")
    run_id = world.request("d")
    world.play(1)
    assert world.run_state(run_id) == "failed"
    task_commands.mark(world.scheduler, run_id, "m", 1, "skipped", who="ann")
    world.play(1)
    assert world.run_state(run_id) == "success"
    states = [row[0] for row in world.all("SELECT state FROM task_instances ORDER BY map_index")]
    assert states == ["success", "skipped", "success"]


def test_a_run_that_is_cleared_and_fails_again_is_not_acknowledged(make_world: MakeWorld) -> None:
    world = make_world(lambda _: FAIL)
    world.upload("name: D\ntasks: [{id: a, command: x}]")
    run_id = world.request("d")
    world.play(1)
    acknowledgements.acknowledge(world.scheduler, [run_id], "known", who="ann")
    columns = "SELECT state, acknowledged_by, acknowledged_note FROM runs"
    assert world.all(columns) == [("failed", "ann", "known")]
    runs.clear(world.scheduler, run_id, who="ann")
    world.play(1)
    assert world.all(columns) == [("failed", None, None)]


def test_unpausing_forgives_the_failures_before_it(make_world: MakeWorld) -> None:
    world = make_world(lambda _: FAIL)
    world.upload("name: D\nmax_consecutive_failed_dag_runs: 2\ntasks: [{id: t, command: x}]")

    def fail() -> bool:
        world.request("d")
        world.play(2, ticking=False)
        return bool(world.all("SELECT is_paused FROM dags")[0][0])

    assert [fail(), fail()] == [False, True]
    dag_commands.set_paused(world.scheduler, "d", False, who="ann")
    assert [fail(), fail()] == [False, True]
    dag_commands.set_paused(world.scheduler, "d", False, who="ann")
    assert not fail()
