"""A transaction is tried without savepoints, and done again with them if anything raises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.database.queries import attempts, housekeeping, task_instances
from chalicelib.messages import Attempt
from chalicelib.scheduler.transaction import in_one_transaction, unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork
from tests.support.world import World

MakeWorld = Callable[..., World]
ATTEMPT = Attempt("d", "r", "t", -1, 1)


def stored(world: World) -> list[tuple[object, ...]]:
    return world.all("SELECT name FROM metadata ORDER BY name")


def test_what_one_item_raises_is_undone_and_its_neighbours_are_committed(
    make_world: MakeWorld,
) -> None:
    world, tries = make_world(), []

    def change(work: UnitOfWork) -> int:
        tries.append(work.has_savepoints)
        for name in ("before", "bad", "after"):
            with work.isolate("an item", dag_id=name):
                housekeeping.set_text(work.tx, name, "x")
                if name == "bad":
                    work.outbox.stops.append(ATTEMPT)
                    raise ZeroDivisionError
        assert not work.outbox.stops
        return len(work.isolated_errors)

    assert in_one_transaction(world.scheduler, change) == 1
    assert tries == [False, True]
    assert stored(world) == [("after",), ("before",)]


def test_nothing_is_done_twice_if_nothing_raises(make_world: MakeWorld) -> None:
    world, tries = make_world(), []

    def change(work: UnitOfWork) -> None:
        tries.append(work.has_savepoints)
        with work.isolate("an item"):
            housekeeping.set_text(work.tx, "a", "x")

    in_one_transaction(world.scheduler, change)
    assert tries == [False]
    assert stored(world) == [("a",)]


def test_a_row_that_did_not_change_as_assumed_has_all_done_again_row_by_row(
    make_world: MakeWorld,
) -> None:
    world, answers = make_world(), []
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")  # so it is queued, and cannot be queued once more

    def change(work: UnitOfWork) -> None:
        housekeeping.set_text(work.tx, "a", "x")
        task = task_instances.find(work.tx, Attempt("d", run_id, "t", -1, 1))
        assert task is not None
        now = world.clock()
        answers.append(attempts.queue(work.tx, task, 1, now, now, now))

    in_one_transaction(world.scheduler, change)
    assert answers == [True, False]
    assert stored(world) == [("a",)]


def test_a_run_is_read_again_once_it_may_have_changed(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    with unit_of_work(world.scheduler) as work:
        run = work.run(run_id)
        assert run is not None and run is work.run(run_id)
        work.tx.execute("UPDATE runs SET reason = 'other' WHERE id = ?", (run.key,))
        changed = work.run(run_id)
        assert changed is not None and changed.reason == "other"
        with pytest.raises(ZeroDivisionError), work.savepoint():
            work.begin_run(run.key, work.now)
            raise ZeroDivisionError
        assert work.run(run_id) == changed


def test_a_block_that_may_be_undone_on_purpose_always_has_its_savepoint(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    with unit_of_work(world.scheduler, has_savepoints=False) as work:
        housekeeping.set_text(work.tx, "kept", "x")
        with work.provisional():
            housekeeping.set_text(work.tx, "undone", "x")
    assert stored(world) == [("kept",)]


def test_what_dooms_a_transaction_is_not_tried_again(make_world: MakeWorld) -> None:
    world, tries = make_world(), []

    def change(work: UnitOfWork) -> None:
        tries.append(work.has_savepoints)
        with work.isolate("an item"):
            raise SystemExit

    with pytest.raises(SystemExit):
        in_one_transaction(world.scheduler, change)
    assert tries == [False]


def test_a_run_that_is_reopened_in_the_transaction_that_began_it_begins_again(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    with unit_of_work(world.scheduler) as work:
        run = work.run(run_id)
        assert run is not None
        work.begin_run(run.key, work.now)
        work.tx.execute("UPDATE runs SET state = 'failed', ended_at = 1 WHERE id = ?", (run.key,))
        work.reopen_run(run)
        work.tx.execute("UPDATE runs SET admitted_at = 1 WHERE id = ?", (run.key,))
        work.begin_run(run.key, work.now)
        assert work.tx.value("SELECT state FROM runs") == "running"


def test_a_stop_that_was_asked_for_is_forgotten_when_the_attempt_ends(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    with unit_of_work(world.scheduler) as work:
        work.forget_stop(ATTEMPT)
        work.request_stop(ATTEMPT)
        work.forget_stop(ATTEMPT)
        work.outbox.stops.clear()
        assert work.tx.value("SELECT count(*) FROM stop_requests") == 0
