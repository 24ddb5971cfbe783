"""What is bad in one place is said there, and stands in nobody else's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chalicelib.claims import claim_key
from chalicelib.messages import TaskMessage
from chalicelib.ports import OutgoingMessage
from chalicelib.scheduler.commands import backfills
from tests.support.world import DIE, SUCCEED, World

MakeWorld = Callable[..., World]


def test_a_date_that_gives_no_good_params_does_not_stop_its_backfill(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(
        'name: D\nschedule: "@daily"\nmax_active_runs: 1\ntasks: [{id: t, command: x}]\n'
        "params: {day: {default: '{{ ds }}', pattern: '.*-(18|20)'}}"
    )
    now = world.clock()
    first, last = now - timedelta(days=5.5), now - timedelta(days=2.5)
    backfills.create(world.scheduler, "d", who="a", from_date=first, to_date=last)
    world.play(2, ticking=False)
    assert world.all("SELECT state, counts FROM backfills") == [
        ("done", '{"created": 2, "rejected": 1}')
    ]
    assert world.all("SELECT DISTINCT state FROM runs") == [("success",)]


def test_a_claim_that_nobody_can_read_holds_up_no_tick(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    world.runs.put(claim_key(TaskMessage.decode(message.body).attempt), b"no claim")
    world.dead_letters.send([OutgoingMessage(message.body), OutgoingMessage(message.body)])
    world.tick()
    assert world.run_state(run_id) == "failed"
    assert world.all("SELECT outcome FROM attempts") == [("lost",)]


def test_a_dag_whose_zone_is_gone_stops_no_other_dag(make_world: MakeWorld) -> None:
    world = make_world()
    for name in ("bad", "good"):
        text = f"name: {name}\nschedule: '* * * * *'\ntasks: [{{id: t, command: x}}]"
        world.upload(f"{text}\ntimezone: Europe/Rome", f"{name}.yaml")
    with world.database.write() as tx:
        tx.execute(
            "UPDATE dag_versions SET digest = 'other',"
            " compiled = replace(compiled, 'Europe/Rome', 'Europe/Rom') WHERE dag_id = 'bad'"
        )
    world.play(130)
    assert world.all("SELECT DISTINCT dag_id FROM runs") == [("good",)]
    (said,) = world.tick().errors
    assert said.startswith("a DAG that is due (dag_id bad): ")
    assert "Europe/Rom" in said


def test_an_attempt_of_a_dag_that_cannot_be_read_stops_no_tick(make_world: MakeWorld) -> None:
    world = make_world(lambda m: DIE if m.attempt.dag_id == "bad" else SUCCEED)
    for name in ("bad", "good"):
        world.upload(f"name: {name}\ntasks: [{{id: t, command: x}}]", f"{name}.yaml")
    world.request("bad")
    world.play(10)
    with world.database.write() as tx:
        tx.execute("UPDATE dag_versions SET digest = 'x', compiled = '{' WHERE dag_id = 'bad'")
    world.play(300)
    run_id = world.request("good")
    world.play(5)
    assert world.run_state(run_id) == "success"
    assert world.all("SELECT count(*) >= 5 FROM ticks") == [(1,)]


def test_a_result_counts_although_the_runs_that_wait_behind_it_cannot_be_read(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    text = "name: D\nmax_active_runs: 1\ntasks: [{id: t, command: x}]"
    world.upload(text)
    first = world.request("d")
    world.upload(f"{text}\ndescription: changed")
    second = world.request("d")
    with world.database.write() as tx:
        tx.execute("UPDATE dag_versions SET digest = 'y', compiled = '{' WHERE version = 2")
    world.play(5)
    assert world.run_state(first) == "success"
    assert world.run_state(second) == "queued"
