"""Every report says whether what went wrong may pass, and only what may is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from chalicelib.enums import Outcome
from chalicelib.messages import NotificationMessage, NotificationResult, TaskMessage
from chalicelib.scheduler import notifications, results
from chalicelib.scheduler.commands import runs
from tests.support.world import BUSY, FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

ALERT = "name: D\non_failure: [{webhook: 'https://example.org/x'}]\ntasks: [{id: t, command: x}]"
BUSY_ANSWER = "example.org answered 503; tried 3 times"


def failing(
    make_world: MakeWorld, tells: Callable[[NotificationMessage], NotificationResult]
) -> World:
    """A run has failed, and there is somebody to tell."""
    world = make_world(lambda _: FAIL)
    world.executor.deliver = tells
    world.upload(ALERT)
    world.request("d")
    world.play(2, ticking=False)
    return world


def stands(world: World) -> tuple[str, int, str]:
    [row] = world.all("SELECT state, sends, reason FROM notifications")
    return row[0], row[1], row[2]


def next_try_in(world: World) -> float | None:
    [(due_at,)] = world.all("SELECT due_at FROM notifications")
    return None if due_at is None else due_at / 1e6 - world.clock().timestamp()


def test_an_alert_that_could_not_be_delivered_for_now_arrives_later(make_world: MakeWorld) -> None:
    world = make_world(lambda _: FAIL)
    until = world.clock().timestamp() + 15

    def tells(notice: NotificationMessage) -> NotificationResult:
        is_up = world.clock().timestamp() > until
        return NotificationResult(notice.id, is_up, "" if is_up else BUSY_ANSWER, not is_up)

    world.executor.deliver = tells
    world.upload(ALERT)
    world.request("d")
    world.play(10, ticking=False)
    assert stands(world) == ("pending", 1, BUSY_ANSWER)
    assert 0 < (next_try_in(world) or 0) <= 60
    world.play(130)
    assert stands(world) == ("delivered", 2, "")
    assert next_try_in(world) is None


def test_an_alert_that_can_never_be_delivered_has_failed_at_once(make_world: MakeWorld) -> None:
    world = failing(
        make_world, lambda n: NotificationResult(n.id, False, "example.org answered 404")
    )
    world.play(600)
    assert stands(world) == ("failed", 1, "example.org answered 404")


def test_an_alert_is_sent_at_growing_intervals_for_about_a_day(make_world: MakeWorld) -> None:
    sent: list[float] = []
    world = make_world(lambda _: FAIL)

    def tells(notice: NotificationMessage) -> NotificationResult:
        sent.append(world.clock().timestamp())
        return NotificationResult(notice.id, False, BUSY_ANSWER, is_transient=True)

    world.executor.deliver = tells
    world.upload(ALERT)
    world.request("d")
    world.play(36 * 3600)
    pauses = [later - before for before, later in pairwise(sent)]
    assert len(sent) == notifications.MAX_SENDS
    assert all(before <= later + 60 for before, later in pairwise(pauses))
    assert pauses[0] <= 120
    assert 20 <= (sent[-1] - sent[0]) / 3600 <= 30
    assert stands(world) == (
        "failed",
        notifications.MAX_SENDS,
        f"{BUSY_ANSWER}; gave up after 20 attempts",
    )


def test_a_late_report_changes_nothing_of_an_alert_that_arrived(make_world: MakeWorld) -> None:
    world = failing(make_world, lambda n: NotificationResult(n.id, is_delivered=True))
    world.report(NotificationResult(1, False, BUSY_ANSWER, is_transient=True).encode())
    world.report(NotificationResult(99, False, BUSY_ANSWER, is_transient=True).encode())
    world.apply()
    assert stands(world) == ("delivered", 1, "")


def test_a_command_that_cannot_be_started_for_now_is_started_later_in_the_same_try(
    make_world: MakeWorld,
) -> None:
    played: list[int] = []

    def script(task: TaskMessage) -> Played:
        played.append(task.attempt.try_number)
        return BUSY if len(played) < 3 else SUCCEED

    world = make_world(script)
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    world.play(5, ticking=False)
    assert world.task_states(run_id) == {"t": "up_for_reschedule"}
    assert world.all("SELECT reason FROM task_instances") == [("the store is busy",)]
    world.play(120)
    assert world.run_state(run_id) == "success"
    assert played == [1, 1, 1]
    assert world.all("SELECT outcome FROM attempts") == [("success",)]


def test_a_command_that_can_never_be_started_fails_in_bounded_time(make_world: MakeWorld) -> None:
    played: list[int] = []

    def script(task: TaskMessage) -> Played:
        played.append(task.attempt.try_number)
        return BUSY

    world = make_world(script)
    world.upload("name: D\ntasks: [{id: t, command: x, retries: 1, retry_delay: 1}]")
    run_id = world.request("d")
    world.play(1200)
    assert world.run_state(run_id) == "failed"
    tries = len(results.START_RETRY_DELAYS) + 1
    assert played == [1] * tries + [2] * tries
    assert (
        world.all("SELECT outcome, reason FROM attempts") == [("failed", "the store is busy")] * 2
    )


def test_a_command_that_waits_to_be_started_again_can_be_cancelled(make_world: MakeWorld) -> None:
    world = make_world(lambda _: BUSY)
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    world.play(3, ticking=False)
    runs.cancel_run(world.scheduler, run_id, who="a")
    world.play(30)
    assert world.run_state(run_id) == "cancelled"


def test_a_sensor_that_cannot_be_started_for_now_is_asked_at_its_interval(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: BUSY)
    world.upload("name: D\ntasks: [{id: t, command: x, sensor: {poke_interval: 10, timeout: 100}}]")
    run_id = world.request("d")
    world.play(80)
    assert world.run_state(run_id) == "running"
    assert len(world.executor.started) in (8, 9)
    world.play(40)
    assert world.run_state(run_id) == "failed"


@pytest.mark.parametrize(
    "report", [FAIL, Played(Outcome.FAILED, exit_code=None, reason="no such secret")]
)
def test_what_will_not_pass_is_a_failed_try(make_world: MakeWorld, report: Played) -> None:
    world = make_world(lambda _: report)
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "failed"


@pytest.mark.parametrize("task", ["retries: 3", "sensor: {poke_interval: 5}"])
def test_what_no_other_attempt_can_help_is_not_tried_again(
    make_world: MakeWorld, task: str
) -> None:
    wrong = replace(BUSY, is_transient=False, is_permanent=True, reason="a wrong checksum")
    world = make_world(lambda _: wrong)
    world.upload(f"name: D\ntasks: [{{id: t, command: x, {task}, retry_delay: 1}}]")
    world.request("d")
    world.play(60)
    assert len(world.executor.started) == 1
    assert world.all("SELECT state FROM task_instances") == [("failed",)]
