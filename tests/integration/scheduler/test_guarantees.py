"""The promises of the README, each with the death or the disorder that would break it.

1 an attempt's command starts at most once     4 no run stays active for ever
2 an attempt has exactly one result            5 acknowledged means durable
3 a fire time makes exactly one run            6 no door exceeds a limit
(7, broken files, is in test_registration; 8, quoting, in test_values)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.claims import Claim
from chalicelib.database import Database, IntegrityError, Transaction
from chalicelib.enums import Claimant, Outcome
from chalicelib.errors import Unavailable
from chalicelib.messages import Heartbeat, Result, TaskMessage
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage
from chalicelib.scheduler import repair, results
from chalicelib.scheduler.transaction import unit_of_work
from tests.support.fakes import FakeQueue
from tests.support.world import DIE, SUCCEED, Played, World

MakeWorld = Callable[..., World]

PAIR = "name: D\ntasks: [{id: a, command: x}, {id: b, command: x, dependencies: a}]"
RETRIED = "name: D\ntasks: [{id: t, command: x, retries: 2, retry_delay: 1}]"


class DeafQueue(FakeQueue):
    """Loses what is sent to it while `is_deaf`, as a process does that dies after its commit."""

    is_deaf = False

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        if self.is_deaf:
            raise Unavailable("the process died before the send")
        super().send(messages)


def deafen(world: World) -> DeafQueue:
    queue = DeafQueue(world.clock, on_visible=world.delivering(world.execute))
    world.task_queues = {DEFAULT_PLACE: queue}
    object.__setattr__(world.scheduler, "task_queues", world.task_queues)
    return queue


class Died(Exception):
    """The process ends here."""


class DyingDatabase:
    """Dies in the middle of its next commit."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def write(self, batch_id: str | None = None) -> Iterator[Transaction]:
        with self.database.write(batch_id) as tx:
            yield tx
            raise Died

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database, name)


def test_1_a_message_delivered_twice_starts_its_command_once(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(PAIR)
    run_id = world.request("d")
    for _ in range(4):
        for message in world.tasks.receive():
            world.executor.take(message)
            world.executor.take(message)  # and it is never deleted: it comes again
        world.clock.advance(61)
        world.executor.finish_due()
        world.apply()
    assert world.run_state(run_id) == "success"
    started = [task.attempt for _, task in world.executor.started]
    assert len(started) == len(set(started)) == 2


def test_1_a_message_sent_again_by_the_repair_starts_its_command_once(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: Played(seconds=500, is_heard=False))
    world.upload(PAIR, "dag.yaml")
    world.request("d")
    world.play(110)
    started = [task.attempt for _, task in world.executor.started]
    assert len(started) == 1


def test_1_no_message_is_sent_so_late_that_claims_may_be_forgotten(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(PAIR)
    world.request("d")
    world.tasks.delete(world.tasks.receive())
    world.clock.advance(repair.START_DEADLINE.total_seconds() + 1)
    with unit_of_work(world.scheduler) as work:
        assert repair.resend(work) == 1
    assert world.tasks.bodies() == []


def test_2_the_schema_itself_refuses_a_second_result(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(PAIR)
    world.request("d")
    world.play(2, ticking=False)
    again = "INSERT INTO attempts SELECT * FROM attempts LIMIT 1"
    with pytest.raises(IntegrityError), world.database.write() as tx:
        tx.execute(again)


def test_2_results_applied_by_many_at_once_are_recorded_once(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    world.request("d")
    (message,) = world.tasks.receive()
    attempt = TaskMessage.decode(message.body).attempt
    bodies = [Result(attempt, Outcome.SUCCESS, exit_code=i).encode() for i in range(4)]
    threads = [
        threading.Thread(target=results.apply, args=(world.scheduler, [body])) for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.all("SELECT count(*) FROM attempts") == [(1,)]
    kept = world.all("SELECT exit_code FROM attempts")
    assert world.all("SELECT exit_code FROM task_instances") == kept


def test_4_a_message_lost_after_the_commit_is_sent_again(make_world: MakeWorld) -> None:
    world = make_world()
    queue = deafen(world)
    world.upload(PAIR)
    queue.is_deaf = True
    run_id = world.request("d")
    queue.is_deaf = False
    world.play(30)
    assert world.executor.started == []
    world.play(100)
    assert world.run_state(run_id) == "success"


def test_4_after_the_end_of_all_executors_nothing_is_waited_for(make_world: MakeWorld) -> None:
    dies = [True]
    world = make_world(
        lambda _: DIE if dies and dies.pop() else SUCCEED,
        silence_seconds="3600",
        resend_seconds="900",
    )
    world.upload(
        "name: D\ntasks: [{id: t, command: x, retries: 1, retry_delay: 0, expand: {i: [1, 2]}}]"
    )
    run_id = world.request("d")
    (begun, lost) = world.tasks.receive()
    world.executor.take(begun)
    world.tasks.delete([begun, lost])
    world.clock.advance(1)
    repair.recover_after_restart(world.scheduler)
    world.play(5, ticking=True)
    assert world.run_state(run_id) == "success"
    assert world.all("SELECT outcome FROM attempts ORDER BY try_number") == [
        ("lost",),
        ("success",),
        ("success",),
    ]


def test_4_attempts_of_workers_go_on_when_the_local_cloud_is_restarted(
    make_world: MakeWorld,
) -> None:
    world = make_world(worker_queues="gpu", resend_seconds="900")
    world.upload(
        "name: D\ntasks: [{id: a, command: x, queue: gpu}, {id: b, command: x, queue: gpu}]"
    )
    run_id = world.request("d")
    running, claimed = world.task_queues["queue:gpu"].receive()
    at = world.clock().timestamp()
    for message in (running, claimed):
        attempt = TaskMessage.decode(message.body).attempt
        assert world.claims.take(attempt, Claim(Claimant.EXECUTOR, at)) is None
    beat = Heartbeat(TaskMessage.decode(running.body).attempt, started_at=at, at=at)
    results.apply(world.scheduler, [beat.encode()])
    world.clock.advance(1)
    repair.recover_after_restart(world.scheduler)
    world.tick()
    assert world.all("SELECT outcome FROM attempts") == []
    assert sorted(world.task_states(run_id).values()) == ["queued", "running"]


def test_4_a_message_that_is_always_lost_ends_in_a_failure(make_world: MakeWorld) -> None:
    world = make_world()
    deafen(world).is_deaf = True
    world.upload(PAIR)
    run_id = world.request("d")
    world.play(7 * 3600)
    assert world.run_state(run_id) == "failed"
    assert world.executor.started == []
    assert "no executor took" in world.all("SELECT reason FROM attempts")[0][0]


def test_4_a_message_in_the_dead_letter_queue_ends_its_attempt(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(RETRIED)
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    world.tasks.delete([message])
    world.dead_letters.send([OutgoingMessage(message.body)])
    world.play(70)
    assert world.run_state(run_id) == "success"
    assert [task.attempt.try_number for _, task in world.executor.started] == [2]


def test_4_a_dead_letter_that_did_start_is_not_ended_while_it_runs(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=30))
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    (message,) = world.tasks.receive()
    world.executor.take(message)
    world.dead_letters.send([OutgoingMessage(message.body)])
    world.play(60)
    assert world.run_state(run_id) == "success"


def test_4_an_unreadable_dead_letter_is_kept_where_people_see_it(make_world: MakeWorld) -> None:
    world = make_world()
    world.dead_letters.send([OutgoingMessage("nonsense")])
    world.tick()
    assert world.all("SELECT body FROM dead_letters") == [("nonsense",)]
    assert world.dead_letters.bodies() == []


def test_4_whatever_executors_do_every_run_ends(make_world: MakeWorld) -> None:
    world = make_world(lambda task: DIE if task.attempt.try_number < 3 else SUCCEED)
    world.upload(RETRIED)
    run_id = world.request("d")
    world.play(1000)
    assert world.run_state(run_id) == "success"


def test_4_a_run_that_cannot_be_followed_up_fails_and_people_are_told(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(PAIR + "\non_failure: [{webhook: 'https://example.com/hook'}]")
    run_id = world.request("d")
    with world.database.write() as tx:
        tx.execute("UPDATE task_instances SET item = 'no JSON' WHERE task_id = 'b'")
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "failed"
    assert [notice.payload["run_id"] for notice in world.executor.notified] == [run_id]


def test_5_what_was_answered_is_there_after_the_process_died(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(PAIR)
    run_id = world.request("d")
    again = Database(world.database.path)
    with again.read() as tx:
        assert tx.one("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)) is not None
    again.close()


def test_5_a_death_before_the_commit_leaves_nothing_and_sends_nothing(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(PAIR)
    object.__setattr__(world.scheduler, "database", DyingDatabase(world.database))
    with pytest.raises(Died):
        world.request("d")
    assert world.all("SELECT count(*) FROM runs") == [(0,)]
    assert world.tasks.bodies() == []


def test_5_a_death_before_the_commit_of_results_loses_none(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(PAIR)
    run_id = world.request("d")
    world.execute()
    world.clock.advance(1)
    world.executor.finish_due()
    object.__setattr__(world.scheduler, "database", DyingDatabase(world.database))
    with pytest.raises(Died):
        world.apply()
    object.__setattr__(world.scheduler, "database", world.database)
    world.clock.advance(61)  # the messages come again
    world.play(5, ticking=False)
    assert world.run_state(run_id) == "success"


def test_6_racing_requests_never_exceed_max_active_runs(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=1000))
    world.upload("name: D\nmax_active_runs: 3\ntasks: [{id: t, command: x}]")
    threads = [threading.Thread(target=world.request, args=("d",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.settle()
    assert len(world.executor.started) == 3
    assert world.all("SELECT count(*) FROM runs") == [(12,)]


def test_6_the_clock_and_people_share_one_limit(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=25))
    world.upload(
        'name: D\nschedule: "@every 10s"\nmax_active_runs: 2\ntasks: [{id: t, command: x}]'
    )
    for _ in range(60):
        world.request("d")
        world.play(5)
        assert len(world.executor.running) <= 2


def test_6_a_lowered_limit_holds_for_what_starts_next(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=10))
    text = "name: D\nmax_active_tasks: 4\ntasks:\n"
    text += "".join(f"  - {{id: t{i}, command: x}}\n" for i in range(8))
    world.upload(text)
    run_id = world.request("d")
    world.play(1, ticking=False)
    world.upload(text.replace("max_active_tasks: 4", "max_active_tasks: 1"))
    for _ in range(50):
        world.play(1, ticking=False)
        assert len(world.executor.running) <= (4 if len(world.executor.started) == 4 else 1)
    assert world.run_state(run_id) == "success"
