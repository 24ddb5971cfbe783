"""What the clock makes due: exact seconds, one run per fire time, outages, pauses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.scheduler import clock
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.tick import tick
from tests.support.world import Played, World

MakeWorld = Callable[..., World]

HOURLY = 'name: H\nschedule: "0 * * * *"\ntasks: [{id: t, command: x}]'
TEN_SECONDS = 'name: S\nschedule: "@every 10s"\ntasks: [{id: t, command: x}]'


def starts(world: World) -> list[datetime]:
    return [moment for moment, _ in world.executor.started]


def dates(world: World) -> list[datetime]:
    rows = world.all("SELECT logical_date FROM runs ORDER BY logical_date")
    return [datetime.fromtimestamp(row[0] / 1e6, UTC) for row in rows]


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)


def test_a_run_starts_on_its_second_wherever_in_the_minute_the_tick_comes(
    make_world: MakeWorld,
) -> None:
    for offset in (0, 7.25, 31.5, 59.75):
        world = make_world()
        world.clock.advance(offset)
        world.next_tick = world.clock()
        world.upload(HOURLY)
        world.play(3700)
        assert starts(world) == [at(11)]


def test_a_schedule_of_seconds_starts_every_run_on_its_second(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(TEN_SECONDS)
    world.play(101)
    assert starts(world) == [at(10) + timedelta(seconds=10 * i) for i in range(1, 11)]


def test_every_second_works(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload('name: S\nschedule: "@every 1s"\ntasks: [{id: t, command: x}]')
    world.play(30)
    assert starts(world)[:30] == [at(10) + timedelta(seconds=i) for i in range(1, 31)]


def test_a_run_is_not_made_long_before_its_moment(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    world.play(3590)
    assert dates(world) == []


def test_lost_wake_ups_make_runs_late_but_lose_none(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(TEN_SECONDS)
    for _ in range(3):
        world.results.delete(world.results.receive(10))
        world.clock.advance(40)
        world.results.delete(world.results.receive(10))
        world.tick()
        world.results.delete(world.results.receive(10))
    assert dates(world)[:12] == [at(10) + timedelta(seconds=10 * i) for i in range(1, 13)]


def test_a_fire_time_makes_one_run_however_many_ticks_race(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    world.clock.advance(3600)
    ticks = [threading.Thread(target=tick, args=(world.scheduler,)) for _ in range(6)]
    for thread in ticks:
        thread.start()
    for thread in ticks:
        thread.join()
    assert dates(world) == [at(11)]


def test_after_an_outage_only_the_latest_missed_fire_time_runs(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    world.clock.advance(5 * 3600 + 1200)
    world.tick()
    assert dates(world) == [at(15)]


def test_a_short_delay_loses_no_fire_time(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(TEN_SECONDS)
    world.clock.advance(65)
    world.tick()
    assert dates(world)[:6] == [at(10) + timedelta(seconds=10 * i) for i in range(1, 7)]


def test_a_paused_dag_makes_no_run_but_runs_on_request(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    dag_commands.set_paused(world.scheduler, "h", True, who="ann")
    run_id = world.request("h")
    world.play(2 * 3600)
    assert world.run_state(run_id) == "success"
    assert dates(world) == [at(10)]


def test_an_unpaused_dag_begins_with_the_next_fire_time(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    dag_commands.set_paused(world.scheduler, "h", True, who="ann")
    world.clock.advance(5.5 * 3600)
    dag_commands.set_paused(world.scheduler, "h", False, who="ann")
    world.play(3600)
    assert dates(world) == [at(16)]


def test_a_paused_dags_waiting_scheduled_runs_wait_on(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=100))
    world.upload(TEN_SECONDS.replace("tasks", "max_active_runs: 1\ntasks"))
    world.play(35)
    dag_commands.set_paused(world.scheduler, "s", True, who="ann")
    world.play(300)
    assert len(starts(world)) == 1
    dag_commands.set_paused(world.scheduler, "s", False, who="ann")
    world.play(10)
    assert len(starts(world)) == 2


def test_a_changed_schedule_does_not_fire_at_once(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    world.play(1800)
    world.upload(HOURLY.replace("0 * * * *", "15 * * * *"))
    world.play(60)
    assert dates(world) == []
    world.play(2800)
    assert dates(world) == [at(11, 15)]


def test_another_change_does_not_lose_a_fire_time_that_is_due(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    world.clock.advance(3601)
    world.upload(HOURLY + "\ndescription: new")
    world.tick()
    assert dates(world) == [at(11)]


def test_the_data_interval_ends_at_the_fire_time(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(HOURLY)
    world.play(3601)
    env = world.executor.started[0][1].env
    assert env["DATA_INTERVAL_START"] == "2026-11-23T10:00:00Z"
    assert env["DATA_INTERVAL_END"] == env["LOGICAL_DATE"] == "2026-11-23T11:00:00Z"
    assert env["TRIGGER_TYPE"] == "scheduled"


def test_more_due_runs_than_one_pass_may_make_come_at_once_after_it(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "MAX_RUNS", 200)
    world = make_world()
    for number in range(230):
        world.dags.put(f"{number}.yaml", HOURLY.replace("H", f"H{number}").encode())
    for _ in range(3):  # each tick registers a hundred files
        world.tick()
    world.clock.advance(3600)
    assert world.tick().counts["runs_created"] == 200
    world.clock.advance(1)
    world.apply()
    assert len(dates(world)) == 230
