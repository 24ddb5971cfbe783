"""What has ended is counted once, by the tick, and a scrape shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib import metric_bounds
from chalicelib.database.reads.metrics import Metrics, metrics
from chalicelib.messages import TaskMessage
from chalicelib.scheduler import metric_totals
from chalicelib.scheduler.commands import runs
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

DAG = """
name: {name}
tasks:
  - {{id: a, command: x}}
  - {{id: b, command: x, retries: 1, retry_delay: 1, dependencies: a}}
"""


def slow_then_failing(message: TaskMessage) -> Played:
    return FAIL if message.attempt.task_id == "b" else Played(seconds=20)


def shown(world: World) -> Metrics:
    with world.database.read() as tx:
        return metrics(tx)


def counts(world: World, metric: str) -> dict[tuple[str, str], int]:
    rows = shown(world).totals
    return {(row.dag_id, row.label): row.count for row in rows if row.metric == metric}


def test_a_run_that_has_ended_is_counted_once_with_its_attempts(make_world: MakeWorld) -> None:
    world = make_world(slow_then_failing)
    world.tick()
    world.upload(DAG.format(name="D"))
    world.request("d")
    world.play(600)
    assert counts(world, "runs") == {("d", "failed"): 1}
    assert counts(world, "attempts") == {("d", "success"): 1, ("d", "failed"): 2}
    (duration,) = (row for row in shown(world).totals if row.metric == "attempt_duration")
    assert duration.count == 3
    assert duration.total == pytest.approx(20.2)
    assert duration.buckets == (2, 2, 2, 3, 3, 3, 3, 3, 3)


def test_a_run_that_is_cleared_is_counted_again_with_what_ran_since(make_world: MakeWorld) -> None:
    world = make_world(slow_then_failing)
    world.tick()
    world.upload(DAG.format(name="D"))
    run_id = world.request("d")
    world.play(300)
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(300)
    assert counts(world, "runs") == {("d", "failed"): 2}
    assert counts(world, "attempts") == {("d", "success"): 1, ("d", "failed"): 4}


def test_what_ended_before_anything_was_counted_is_not_counted(make_world: MakeWorld) -> None:
    world = make_world(lambda _: SUCCEED)
    world.upload(DAG.format(name="D"))
    world.request("d")
    world.play(60, ticking=False)
    world.play(300)
    assert counts(world, "runs") == {}


def test_a_run_that_is_committed_late_is_counted_all_the_same(make_world: MakeWorld) -> None:
    world = make_world(lambda _: SUCCEED)
    world.tick()
    world.upload(DAG.format(name="D"))
    world.clock.advance(30)
    for _ in range(2):
        world.request("d")
    world.play(5, ticking=False)
    # Another process decided about the second run first, and is slower to commit it.
    with world.database.write() as tx:
        tx.execute("UPDATE runs SET ended_at = ended_at - 2000000 WHERE id = 2")
        tx.execute("UPDATE runs SET state = 'running', ended_at = NULL WHERE id = 2")
    world.tick()
    with world.database.write() as tx:
        tx.execute(
            "UPDATE runs SET state = 'success', ended_at ="
            " (SELECT ended_at - 2000000 FROM runs WHERE id = 1) WHERE id = 2"
        )
    world.play(120)
    assert counts(world, "runs") == {("d", "success"): 2}


def test_the_lateness_of_scheduled_runs_is_counted_for_all_dags_together(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: SUCCEED)
    world.tick()
    world.upload(DAG.format(name="D") + "schedule: '* * * * *'\n")
    world.play(600)
    (lateness,) = (row for row in shown(world).totals if row.metric == "lateness")
    assert lateness.dag_id == ""
    assert lateness.count >= 8
    assert lateness.buckets[0] == lateness.count


def test_dags_beyond_the_limit_are_counted_together(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_totals, "MAX_DAGS", 2)
    world = make_world(lambda _: SUCCEED)
    world.tick()
    for name in "abcd":
        world.upload(DAG.format(name=name), f"{name}.yaml")
        world.request(name)
        world.play(90)
    assert counts(world, "runs") == {
        ("a", "success"): 1,
        ("b", "success"): 1,
        ("_other", "success"): 2,
    }
    world.remove("a.yaml")
    world.upload(DAG.format(name="e"), "e.yaml")
    world.request("e")
    world.play(120)
    assert counts(world, "runs")[("e", "success")] == 1
    assert metric_bounds.MAX_DAGS > 2


def test_after_the_clock_was_set_back_counting_goes_on(make_world: MakeWorld) -> None:
    world = make_world(lambda _: SUCCEED)
    world.tick()
    world.upload(DAG.format(name="D"))
    world.request("d")
    world.play(180)
    world.clock.moment -= timedelta(days=1)
    world.tick()
    world.request("d")
    world.play(180, ticking=False)
    world.tick()
    assert counts(world, "runs") == {("d", "success"): 2}


def test_a_tick_leaves_to_the_next_what_is_too_much(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_totals, "MAX_ATTEMPTS", 3)
    world = make_world(lambda _: SUCCEED)
    world.tick()
    world.upload(DAG.format(name="D"))
    for _ in range(5):
        world.request("d")
    world.play(30, ticking=False)
    found = []
    for _ in range(4):
        world.clock.advance(60)
        found.append(world.tick().counts.get("runs_counted", 0))
    assert found == [2, 2, 1, 0]


def test_active_work_and_the_queue_are_shown_as_they_are(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=900))
    world.upload(DAG.format(name="D") + "max_active_runs: 2\n")
    for _ in range(3):
        world.request("d")
    before = shown(world)
    assert before.tasks["queued"] == {"d": 2}
    assert before.oldest_queued_at == world.clock()
    world.play(10)
    after = shown(world)
    assert after.runs == {"queued": {"d": 1}, "running": {"d": 2}}
    assert (after.tasks["running"], after.tasks["queued"]) == ({"d": 2}, {})
    assert after.oldest_queued_at is None
    assert after.dags == {False: 1}
    assert after.tick is not None
