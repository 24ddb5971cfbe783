"""What cannot be done as its definition says ends with a reason; nobody has to look after it."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.enums import BackfillState
from chalicelib.scheduler import backfill_progress, repair, sub_dags
from chalicelib.scheduler.commands import backfills
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork
from tests.support.poison import poison
from tests.support.world import Played, World

MakeWorld = Callable[..., World]

DAG = "name: D\nschedule: '0 0 * * *'\nstart_date: 2020-01-01\ntasks: [{id: t, command: x}]"
PARENT = "name: P\ntasks: [{id: go, trigger_dag_id: d, wait_for_completion: true}]"


def boom() -> AttributeError:
    return AttributeError("x")


def persist(world: World, action: Callable[[UnitOfWork], object]) -> None:
    """Do it again and again for half an hour: an item may be skipped for a while before it ends."""
    for _ in range(6):
        world.clock.advance(300)
        with unit_of_work(world.scheduler) as work:
            action(work)


def test_an_attempt_whose_message_cannot_be_made_again_fails_and_is_stopped(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(DAG)
    run_id = world.request("d")
    poison(world, "d", "task.command", boom)
    persist(world, repair.resend)
    assert world.task_states(run_id) == {"t": "failed"}
    ((reason,),) = world.all("SELECT reason FROM task_instances")
    assert reason == "internal error: AttributeError: x"
    # An executor may have the first message.
    assert len(world.all("SELECT attempt FROM stop_requests")) == 1


def test_a_stop_request_of_no_attempt_is_dropped_and_the_next_one_is_sent(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: Played(seconds=900))
    world.upload(DAG)
    run_id = world.request("d")
    world.play(2, ticking=False)
    ((attempt,),) = world.all(
        "SELECT json_array(t.dag_id, r.run_id, t.task_id, t.map_index, t.try_number, t.poke)"
        " FROM task_instances t JOIN runs r ON r.id = t.run_key"
    )
    with world.database.write() as tx:
        for number, name in enumerate(['["no", "attempt"]', attempt]):
            tx.execute("INSERT INTO stop_requests VALUES (?, ?)", (name, number))
    persist(world, repair.repeat_stops)
    assert world.all("SELECT attempt FROM stop_requests") == [(attempt,)]
    world.play(2, ticking=False)
    assert world.task_states(run_id) == {"t": "cancelled"}


def test_a_backfill_of_a_dag_that_cannot_be_read_is_cancelled_and_says_why(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(DAG)
    first, last = world.clock().replace(year=2023, month=1, day=1), world.clock()
    plan = backfills.create(world.scheduler, "d", who="ann", from_date=first, to_date=last)
    poison(world, "d", "", boom)
    persist(world, lambda work: backfill_progress.advance(work, plan.id or 0))
    ((state, reason),) = world.all("SELECT state, reason FROM backfills")
    assert (state, reason) == (BackfillState.CANCELLED, "internal error: AttributeError: x")


def test_a_task_that_waits_for_a_run_of_a_dag_that_cannot_be_read_fails(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: Played(seconds=900))
    world.upload(DAG)
    world.upload(PARENT, "parent.yaml")
    run_id = world.request("p")
    world.play(2, ticking=False)
    assert world.task_states(run_id) == {"go": "running"}
    with world.database.write() as tx:
        tx.execute("UPDATE runs SET parent_task_id = NULL WHERE dag_id = 'd'")
    poison(world, "p", "tasks", boom)
    persist(world, sub_dags.end_orphaned_waits)
    assert world.task_states(run_id) == {"go": "failed"}
    ((reason,),) = world.all("SELECT reason FROM task_instances WHERE task_id = 'go'")
    assert "AttributeError: x" in reason
