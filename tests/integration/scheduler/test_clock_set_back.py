"""A clock that is set back, by minutes or by years, makes nothing wait until it has caught up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.enums import Outcome
from chalicelib.messages import Heartbeat, Result, TaskMessage
from chalicelib.scheduler import results
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import runs
from tests.support.fakes import FakeClock
from tests.support.world import DIE, FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

AGO = [600, 3 * 3600, 400 * 86_400]
BOUND = 1500
"""Within the longest of: a round, then the longest interval of sending again, or silence."""

ONE = "name: D\nmax_active_runs: 1\ntasks: [{id: t, command: x}]"


def set_back(world: World, seconds: float) -> None:
    """Nobody is told."""
    world.clock.advance(-seconds)
    world.next_tick = world.clock()


def lose_messages(world: World) -> None:
    world.tasks.delete(world.tasks.receive())
    for queue in (world.tasks, world.results):
        queue.clear()


def first_fails(message: TaskMessage) -> Played:
    return FAIL if message.attempt.try_number == 1 else SUCCEED


def first_dies(message: TaskMessage) -> Played:
    return DIE if message.attempt.try_number == 1 else SUCCEED


def first_says_no(message: TaskMessage) -> Played:
    return FAIL if message.attempt.poke == 0 else SUCCEED


STATES = {
    "queued": ("", SUCCEED, 0),
    "running": (", retries: 1, retry_delay: 1", first_dies, 3),
    "up_for_retry": (", retries: 1, retry_delay: 60", first_fails, 3),
    "up_for_reschedule": (", sensor: {poke_interval: 60, timeout: 600}", first_says_no, 3),
}


@pytest.mark.parametrize("ago", AGO)
@pytest.mark.parametrize("state", STATES)
def test_a_task_goes_on_whatever_it_waits_for(
    make_world: MakeWorld, state: str, ago: float
) -> None:
    rest, script, seconds = STATES[state]
    world = make_world(script if callable(script) else lambda _: SUCCEED)
    world.upload(f"name: D\ntasks: [{{id: t, command: x{rest}}}]")
    world.play(1)
    run_id = world.request("d")
    if seconds:
        world.play(seconds)
    assert world.task_states(run_id) == {"t": state}
    lose_messages(world)
    set_back(world, ago)
    world.play(BOUND)
    assert world.run_state(run_id) == "success"


@pytest.mark.parametrize("ago", AGO)
def test_a_run_that_waits_for_a_slot_goes_on(make_world: MakeWorld, ago: float) -> None:
    world = make_world(lambda _: Played(seconds=9999))
    world.upload(ONE)
    world.play(1)
    first, second = world.request("d"), world.request("d")
    world.play(2)
    set_back(world, ago)
    runs.cancel_run(world.scheduler, first, who="ann")
    world.executor.script = lambda _: SUCCEED
    world.play(70)
    assert world.run_state(first) == "cancelled"
    assert world.run_state(second) == "success"


@pytest.mark.parametrize("ago", AGO)
def test_a_run_that_is_cleared_goes_on(make_world: MakeWorld, ago: float) -> None:
    world = make_world(lambda _: FAIL)
    world.upload(ONE)
    run_id = world.request("d")
    world.play(2)
    world.executor.script = lambda _: SUCCEED
    set_back(world, ago)
    runs.clear(world.scheduler, run_id, who="ann")
    world.play(70)
    assert world.run_state(run_id) == "success"


def test_a_scheduled_run_waits_for_its_own_time_and_no_longer(make_world: MakeWorld) -> None:
    world = make_world(lambda _: SUCCEED)
    world.upload(f'{ONE}\nschedule: "0 * * * *"')
    world.clock.advance(3600 - 4)
    dag_commands.set_paused(world.scheduler, "d", False, who="ann")
    world.tick()
    lose_messages(world)
    with world.database.write() as tx:  # made, and not let in yet
        tx.execute("UPDATE runs SET admitted_at = NULL")
        tx.execute("UPDATE task_instances SET state = 'none', try_number = 0, due_at = NULL")
    set_back(world, 1800)
    world.play(1790)
    assert world.all("SELECT state FROM runs") == [("queued",)]
    world.play(120)
    assert ("success",) in world.all("SELECT state FROM runs ORDER BY id LIMIT 1")


@pytest.mark.parametrize("ago", AGO)
def test_a_run_times_out_as_long_after_its_start_as_it_was_to(
    make_world: MakeWorld, ago: float
) -> None:
    world = make_world(lambda _: Played(seconds=10**9))
    world.upload(f"{ONE}\ndagrun_timeout: 300")
    run_id = world.request("d")
    world.play(2)
    set_back(world, ago)
    world.play(BOUND)
    assert world.run_state(run_id) == "failed"


@pytest.mark.parametrize("ahead", AGO)
@pytest.mark.parametrize("catchup", ["", "\ncatchup: true\nstart_date: 2026-11-23T09:50:00Z"])
def test_a_schedule_goes_on_after_a_clock_was_ahead(
    make_world: MakeWorld, ahead: float, catchup: str
) -> None:
    world = make_world()
    world.upload(f'name: D\nschedule: "*/7 * * * *"\ntasks: [{{id: t, command: x}}]{catchup}')
    world.play(1)
    begin = world.clock()
    world.clock.advance(ahead)
    world.tick()
    set_back(world, ahead)
    lose_messages(world)
    world.play(BOUND)
    dates = [
        datetime.fromtimestamp(us / 1e6, UTC)
        for (us,) in world.all("SELECT logical_date FROM runs ORDER BY logical_date")
    ]
    expected = [begin.replace(minute=minute, second=0) for minute in (14, 21)]
    assert set(expected) <= set(dates)
    assert len(dates) == len(set(dates))


@pytest.mark.parametrize("ago", AGO)
def test_a_notification_that_nobody_confirmed_is_sent_again(
    make_world: MakeWorld, ago: float
) -> None:
    world = make_world()
    world.upload(f"{ONE}\non_success: [{{command: tell}}]")
    world.request("d")
    world.play(0.5, ticking=False)
    with world.database.write() as tx:
        tx.execute("UPDATE notifications SET state = 'pending', due_at = created_at + 300000000")
    told = len(world.executor.notified)
    set_back(world, ago)
    world.play(BOUND)
    assert len(world.executor.notified) > told


@pytest.mark.parametrize("ago", AGO)
def test_the_rounds_of_the_tick_go_on(make_world: MakeWorld, ago: float) -> None:
    world = make_world()
    world.play(1)
    set_back(world, ago)
    world.dags.put("d.yaml", ONE.encode())  # and its event is lost
    world.play(310)
    assert world.all("SELECT dag_id FROM dags") == [("d",)]


@pytest.mark.parametrize("ahead", [-7200, -130, 130, 7200])
def test_an_executor_whose_clock_is_another_is_heard_and_not_taken_for_dead(
    make_world: MakeWorld, ahead: float
) -> None:
    world = make_world()
    world.upload(ONE)
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    attempt = TaskMessage.decode(message.body).attempt
    for _ in range(20):
        there = world.clock().timestamp() + ahead
        beat = Heartbeat(attempt, started_at=there, at=there)
        results.apply(world.scheduler, [beat.encode()])
        world.clock.advance(30)
        world.tick()
        assert world.task_states(run_id) == {"t": "running"}
    world.clock.advance(200)
    world.tick()
    assert world.task_states(run_id) == {"t": "failed"}


def test_an_end_that_lies_ahead_is_now_and_lasted_as_long(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    world.request("d")
    (message,) = world.tasks.receive()
    now = world.clock().timestamp()
    result = Result(
        TaskMessage.decode(message.body).attempt,
        Outcome.SUCCESS,
        started_at=now + 3600,
        ended_at=now + 3607,
    )
    results.apply(world.scheduler, [result.encode()])
    ((started, ended),) = world.all("SELECT started_at, ended_at FROM task_instances")
    assert (started, ended) == ((now - 7) * 1e6, now * 1e6)


def test_heartbeats_count_after_the_clock_was_set_back(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(ONE)
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    attempt = TaskMessage.decode(message.body).attempt

    def beat() -> None:
        at = world.clock().timestamp()
        results.apply(world.scheduler, [Heartbeat(attempt, started_at=at, at=at).encode()])

    beat()
    world.clock.advance(-7200)
    for _ in range(30):
        beat()
        world.clock.advance(30)
        world.tick()
        assert world.task_states(run_id) == {"t": "running"}


def test_a_round_leaves_alone_what_is_rightly_ahead(make_world: MakeWorld) -> None:
    world = make_world(first_fails)
    world.upload(
        'name: D\nschedule: "@daily"\ndagrun_timeout: 86000\n'
        "tasks: [{id: t, command: x, retries: 1, retry_delay: 3600}]"
    )
    world.request("d")
    world.play(5)
    before = world.all("SELECT due_at, not_before, ended_at FROM task_instances")
    timeout = world.all("SELECT timeout_at, next_fire_at FROM runs, dags")
    world.play(1000)
    assert world.all("SELECT due_at, not_before, ended_at FROM task_instances") == before
    assert world.all("SELECT timeout_at, next_fire_at FROM runs, dags") == timeout
    assert FakeClock().moment + timedelta(seconds=1005) == world.clock()
