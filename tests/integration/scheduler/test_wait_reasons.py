"""Whatever has not ended says what it waits for, and goes on once that is gone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.database.queries import task_instances, task_slots
from chalicelib.database.queries.run_slots import IS_IN_LINE, LINE
from chalicelib.database.reads.wait_reasons import WaitingFor
from chalicelib.enums import Outcome, WaitingCode
from chalicelib.messages import TaskMessage
from chalicelib.scheduler import wait_reasons
from chalicelib.scheduler.commands import backfills, pools
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import runs as run_commands
from tests.support.world import DIE, FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]

SLOW = Played(seconds=60)

ACTIVE_RUNS = "SELECT run_id, state FROM runs WHERE ended_at IS NULL ORDER BY id"
OPEN_TASKS = (
    "SELECT run_id, task_id, map_index, t.state FROM task_instances t JOIN runs r"
    " ON r.id = t.run_key WHERE r.ended_at IS NULL ORDER BY t.id"
)


def of_run(world: World, run_id: str) -> list[WaitingFor]:
    with world.database.read() as tx:
        return list(wait_reasons.Explainer(world.scheduler, tx).run(run_id))


def of_task(world: World, run_id: str, task_id: str, map_index: int = -1) -> list[WaitingFor]:
    name = (run_id, task_id, map_index)
    with world.database.read() as tx:
        return list(wait_reasons.Explainer(world.scheduler, tx).tasks([name])[name])


def codes(reasons: list[WaitingFor]) -> list[str]:
    return [str(reason.code) for reason in reasons]


def held_by(reason: WaitingFor) -> list[tuple[str, str | None, str]]:
    return [(holder.run_id, holder.task_id, holder.state) for holder in reason.holders]


def slow(_: TaskMessage) -> Played:
    return SLOW


def one_is_slow(message: TaskMessage) -> Played:
    return SLOW if message.attempt.task_id == "a" else SUCCEED


def test_a_run_waits_for_a_slot_and_says_who_has_them(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload("name: D\nmax_active_runs: 1\ntasks: [{id: a, command: x}]")
    first, second, third = (world.request("d") for _ in range(3))
    world.settle()
    (reason,) = of_run(world, third)
    assert (reason.code, reason.position, reason.holder_count) == ("max_active_runs", 2, 1)
    assert held_by(reason) == [(first, None, "running")]
    assert reason.message == (
        f"waits for a run slot: DAG d has max_active_runs 1, held by {first}; number 2 in the queue"
    )
    (of_its_task,) = of_task(world, third, "a")
    assert (of_its_task.code, held_by(of_its_task)) == (
        "run_not_started",
        [(third, None, "queued")],
    )
    assert reason.message in of_its_task.message
    run_commands.cancel_run(world.scheduler, second, who="ann")
    assert [r.position for r in of_run(world, third)] == [1]
    world.play(70)
    assert (of_run(world, third), world.run_state(third)) == ([], "running")


def test_a_task_of_which_some_copies_were_created_says_how_many(make_world: MakeWorld) -> None:
    world = make_world()
    numbers = ", ".join(map(str, range(1500)))
    world.upload(f"name: D\ntasks: [{{id: many, command: x, expand: {{N: [{numbers}]}}}}]")
    run_id = world.request("d")
    (reason,) = of_task(world, run_id, "many")
    assert (reason.code, reason.message) == (
        "expanding",
        "waits while its mapped instances are created, 1000 so far",
    )
    world.play(5, ticking=False)
    assert world.all("SELECT count(*) FROM task_instances WHERE map_index >= 0") == [(1500,)]


def test_the_holders_that_are_named_are_few_and_all_are_counted(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload("name: D\nmax_active_runs: 7\ntasks: [{id: a, command: x}]")
    *held, last = [world.request("d") for _ in range(8)]
    (reason,) = of_run(world, last)
    assert [holder.run_id for holder in reason.holders] == held[:5]
    assert reason.holder_count == 7
    assert "and 2 more" in reason.message


def test_runs_of_a_backfill_stand_behind_the_others(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload("name: D\nmax_active_runs: 1\nschedule: '@daily'\ntasks: [{id: a, command: x}]")
    world.request("d")
    first, last = (world.clock() - timedelta(days=n) for n in (3, 1))
    backfills.create(
        world.scheduler, "d", who="ann", from_date=first, to_date=last, max_active_runs=1
    )
    (of_backfill,) = [
        row[0] for row in world.all("SELECT run_id FROM runs WHERE run_type = 'backfill'")
    ]
    later = world.request("d")
    assert [r.position for r in of_run(world, later)] == [1]
    assert [r.position for r in of_run(world, of_backfill)] == [2]


def test_a_scheduled_run_waits_while_its_dag_is_paused(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=100))
    world.upload(
        "name: D\nmax_active_runs: 1\nschedule: '@every 60s'\ntasks: [{id: a, command: x}]"
    )
    world.play(130)
    (run_id,) = [row[0] for row in world.all(ACTIVE_RUNS) if row[1] == "queued"]
    dag_commands.set_paused(world.scheduler, "d", True, who="ann")
    assert codes(of_run(world, run_id)) == ["paused", "max_active_runs"]
    world.play(70)
    assert codes(of_run(world, run_id)) == ["paused"]
    dag_commands.set_paused(world.scheduler, "d", False, who="ann")
    world.settle()
    assert world.run_state(run_id) == "running"


def test_a_run_that_is_being_stopped_names_what_still_runs(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload("name: D\ntasks: [{id: a, command: x}]")
    run_id = world.request("d")
    world.settle()
    run_commands.cancel_run(world.scheduler, run_id, who="ann")
    (reason,) = of_run(world, run_id)
    assert (reason.code, held_by(reason)) == ("stopping", [(run_id, "a", "running")])


def test_a_task_waits_for_what_it_depends_on(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload(
        "name: D\ntasks: [{id: a, command: x}, {id: b, command: x, dependencies: a},"
        " {id: c, command: x, dependencies: [a, b], trigger_rule: all_done}]"
    )
    run_id = world.request("d")
    world.settle()
    (of_b,) = of_task(world, run_id, "b")
    assert (of_b.code, of_b.message) == ("upstream", "waits for a (running)")
    (of_c,) = of_task(world, run_id, "c")
    assert of_c.message == "waits for a (running), b (not yet started) (trigger rule all_done)"
    assert of_task(world, run_id, "a") == of_run(world, run_id) == []


def test_a_task_waits_for_mapped_instances_that_are_not_there_yet(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload(
        "name: D\ntasks: [{id: a, command: x}, {id: m, command: x, dependencies: a,"
        " expand: {N: [1, 2]}}, {id: z, command: x, dependencies: m}]"
    )
    run_id = world.request("d")
    world.settle()
    assert of_task(world, run_id, "z")[0].message == "waits for m (not yet started)"
    assert of_task(world, run_id, "m")[0].message == "waits for a (running)"
    world.play(62)
    assert of_task(world, run_id, "z")[0].message == "waits for m (running)"


def test_a_task_waits_for_its_success_in_the_run_before(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload("name: D\ntasks: [{id: a, command: x, depends_on_past: true}]")
    first, second = world.request("d"), world.request("d")
    world.settle()
    (reason,) = of_task(world, second, "a")
    assert (reason.code, held_by(reason)) == ("depends_on_past", [(first, "a", "running")])
    (of_its_run,) = of_run(world, second)
    assert of_its_run.message == f"task a {reason.message}"
    world.play(61)
    assert of_task(world, second, "a") == []


def test_a_ready_task_waits_for_a_slot_of_its_dag(make_world: MakeWorld) -> None:
    world = make_world(one_is_slow)
    world.upload(
        "name: D\nmax_active_tasks: 1\ntasks: [{id: a, command: x, priority_weight: 3},"
        " {id: b, command: x}, {id: c, command: x, priority_weight: 2}]"
    )
    run_id = world.request("d")
    world.settle()
    (of_b,) = of_task(world, run_id, "b")
    assert (of_b.code, of_b.position, held_by(of_b)) == (
        "max_active_tasks",
        2,
        [(run_id, "a", "running")],
    )
    assert [reason.position for reason in of_task(world, run_id, "c")] == [1]
    world.play(70)
    assert world.run_state(run_id) == "success"


POOLED = "name: %s\ntasks: [{id: a, command: x, pool: db, pool_slots: %d}]"


def test_a_ready_task_waits_for_slots_of_its_pool_that_another_dag_has(
    make_world: MakeWorld,
) -> None:
    world = make_world(slow)
    pools.put_pool(world.scheduler, "db", 3, who="ann")
    world.upload(POOLED % ("one", 2), "one.yaml")
    world.upload(POOLED % ("two", 2), "two.yaml")
    first, second = world.request("one"), world.request("two")
    world.settle()
    (reason,) = of_task(world, second, "a")
    assert (reason.code, reason.position) == ("pool_full", 1)
    assert held_by(reason) == [(first, "a", "running")]
    assert reason.message == (
        f"waits for 2 slots of pool db: 1 of 3 free, held by a of {first}; number 1 in the queue"
    )
    assert [r.message for r in of_run(world, second)] == [f"task a {reason.message}"]
    pools.put_pool(world.scheduler, "db", 4, who="ann")
    world.settle()
    assert (of_task(world, second, "a"), world.run_state(second)) == ([], "running")


def test_a_ready_task_tells_what_must_be_done_about_its_pool(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload(POOLED % ("one", 2))
    run_id = world.request("one")
    assert codes(of_task(world, run_id, "a")) == ["pool_missing"]
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    (reason,) = of_task(world, run_id, "a")
    assert (reason.code, reason.holders) == ("pool_too_small", ())
    assert "takes 2 of pool 'db', which has 1" in reason.message
    pools.put_pool(world.scheduler, "db", 2, who="ann")
    world.settle()
    assert of_task(world, run_id, "a") == []


def test_all_limits_that_hold_a_task_are_told(make_world: MakeWorld) -> None:
    world = make_world(slow)
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    world.upload(
        "name: D\nmax_active_tasks: 1\ntasks: [{id: m, command: x, pool: db,"
        " expand: {N: [1, 2]}, max_active_tis_per_dagrun: 1}]"
    )
    run_id = world.request("d")
    world.settle()
    assert codes(of_task(world, run_id, "m", 1)) == [
        "max_active_tasks",
        "pool_full",
        "max_active_tis_per_dagrun",
    ]


def test_a_task_whose_message_is_out_waits_for_an_executor(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: a, command: x}]")
    run_id = world.request("d")
    (reason,) = of_task(world, run_id, "a")
    assert reason.code == "executor"
    assert "its message was sent at 20" in reason.message
    assert [r.message for r in of_run(world, run_id)] == [f"task a {reason.message}"]
    world.settle()
    assert of_task(world, run_id, "a") == []


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("{id: a, command: x, retries: 1, retry_delay: 40}", "retry_delay"),
        ("{id: a, command: x, sensor: {poke_interval: 40}}", "poke_interval"),
    ],
)
def test_a_task_waits_for_its_next_attempt_until_a_moment(
    make_world: MakeWorld, task: str, code: str
) -> None:
    fates = (
        [FAIL, SUCCEED] if code == "retry_delay" else [Played(Outcome.FAILED, exit_code=1), SUCCEED]
    )
    world = make_world(lambda _: fates.pop(0))
    world.upload(f"name: D\ntasks: [{task}]")
    run_id = world.request("d")
    world.play(1)
    (reason,) = of_task(world, run_id, "a")
    assert reason.code == code
    assert reason.until is not None
    assert timedelta(seconds=30) < reason.until - world.clock() <= timedelta(seconds=40)
    world.play(50)
    assert world.run_state(run_id) == "success"


def test_a_task_waits_for_the_run_that_it_triggered(make_world: MakeWorld) -> None:
    world = make_world(slow)
    world.upload(
        "name: D\ntasks: [{id: t, trigger_dag_id: child, wait_for_completion: true}]", "d.yaml"
    )
    world.upload("name: Child\ntasks: [{id: a, command: x}]", "child.yaml")
    run_id = world.request("d")
    world.settle()
    ((child, _),) = [row for row in world.all(ACTIVE_RUNS) if row[0] != run_id]
    (reason,) = of_task(world, run_id, "t")
    assert (reason.code, held_by(reason)) == ("triggered_run", [(child, None, "running")])
    assert [r.message for r in of_run(world, run_id)] == [f"task t {reason.message}"]
    world.play(62)
    assert world.run_state(run_id) == "success"


def test_one_run_with_bad_data_does_not_hide_what_the_others_wait_for(
    make_world: MakeWorld,
) -> None:
    world = make_world(slow)
    world.upload("name: D\ntasks: [{id: a, command: x}, {id: b, command: x, dependencies: a}]")
    bad, good = world.request("d"), world.request("d")
    world.settle()
    with world.database.write() as tx:
        tx.execute("UPDATE task_instances SET task_id = 'gone' WHERE task_id = 'b' AND run_key = 1")
    names = [(bad, "gone", -1), (good, "b", -1)]
    with world.database.read() as tx:
        reasons = wait_reasons.Explainer(world.scheduler, tx).tasks(names)
    assert [codes(list(reasons[name])) for name in names] == [[], ["upstream"]]


ANY_DAG = """
name: %(name)s
max_active_runs: %(runs)d
max_active_tasks: %(tasks)d
schedule: '@every 60s'
overlap_policy: queue
tasks:
  - {id: a, command: x, pool: db, retries: 1, retry_delay: 30}
  - {id: s, command: x, sensor: {poke_interval: 20}, depends_on_past: true}
  - {id: m, command: x, dependencies: a, expand: {N: [1, 2, 3]}, max_active_tis_per_dagrun: 1}
  - {id: z, command: x, dependencies: [m, s], trigger_rule: all_done, pool: other, pool_slots: 2}
%(more)s
"""
TRIGGER = "  - {id: t, trigger_dag_id: two, wait_for_completion: true, dependencies: a}"

FATES = (SUCCEED, FAIL, DIE, SLOW, Played(seconds=7), Played(Outcome.FAILED, exit_code=1))
ACTIONS = ("run one", "run two", "pause", "go on", "pool 0", "pool 1", "pool 9", "other", "cancel")


@dataclass
class Busy:
    """A world with two DAGs in which people press buttons."""

    world: World

    def act(self, action: str) -> None:
        scheduler = self.world.scheduler
        verb, _, what = action.partition(" ")
        if verb == "run":
            self.world.request(what)
        elif verb in ("pause", "go"):
            dag_commands.set_paused(scheduler, "one", verb == "pause", who="ann")
        elif verb == "cancel":
            for run_id, _ in self.world.all(ACTIVE_RUNS)[:1]:
                run_commands.cancel_run(scheduler, run_id, who="ann")
        else:
            name = "db" if verb == "pool" else "other"
            pools.put_pool(scheduler, name, int(what or 2), who="ann")

    def unexplained(self) -> list[Any]:
        """What waits and does not say for what, or for nothing but the scheduler."""
        silent: list[Any] = []
        runs, tasks = self.world.all(ACTIVE_RUNS), self.world.all(OPEN_TASKS)
        with self.world.database.read() as tx:
            explainer = wait_reasons.Explainer(self.world.scheduler, tx)
            reasons = explainer.tasks([(row[0], row[1], row[2]) for row in tasks])
            of_runs = {run_id: explainer.run(run_id) for run_id, _ in runs}
        ended = ("success", "failed", "upstream_failed", "skipped", "cancelled", "running")
        for run_id, task_id, map_index, state in tasks:
            known = reasons[run_id, task_id, map_index]
            if state not in ended and (not known or _is_vague(known)):
                silent.append((task_id, map_index, state, known))
        silent += [
            (run_id, state, of_runs[run_id])
            for run_id, state in runs
            if (state == "queued" and not of_runs[run_id]) or _is_vague(of_runs[run_id])
        ]
        return silent


def _is_vague(reasons: tuple[WaitingFor, ...]) -> bool:
    return any(reason.code is WaitingCode.SCHEDULER for reason in reasons)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    runs=st.integers(1, 3),
    tasks=st.integers(1, 4),
    fates=st.lists(st.sampled_from(FATES), max_size=30),
    actions=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 70)), max_size=12),
)
def test_whenever_the_engine_rests_each_thing_that_waits_says_for_what(
    runs: int, tasks: int, fates: list[Played], actions: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), lambda _: fates.pop() if fates else SUCCEED)
        numbers = {"runs": runs, "tasks": tasks}
        world.upload(ANY_DAG % {**numbers, "name": "One", "more": TRIGGER}, "one.yaml")
        world.upload(ANY_DAG % {**numbers, "name": "Two", "more": ""}, "two.yaml")
        busy = Busy(world)
        for action, seconds in actions:
            busy.act(action)
            world.play(seconds)
            assert busy.unexplained() == []
        world.close()


def test_once_every_limit_is_lifted_all_that_waited_goes_on(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(
        (ANY_DAG % {"runs": 2, "tasks": 2, "name": "One", "more": ""}).replace(
            "schedule: '@every 60s'\n", ""
        )
    )
    run_ids = [world.request("one") for _ in range(4)]
    world.play(5)
    told = {code for run_id in run_ids for code in codes(of_run(world, run_id))}
    assert told == {"pool_missing", "max_active_runs"}
    for pool in ("db", "other"):
        pools.put_pool(world.scheduler, pool, 4, who="ann")
    world.play(300)
    assert {world.run_state(run_id) for run_id in run_ids} == {"success"}


PLANS: dict[str, Any] = {
    LINE: {"dag_id": "d", "horizon": 1, "only_asked_for": 1, "limit": 9},
    IS_IN_LINE: {"dag_id": "d", "horizon": 1, "only_asked_for": 1, "key": 9},
    task_slots.LINE_OF_DAG: {"of": "d", "limit": 9},
    task_slots.LINE_OF_POOL: {"of": "d", "limit": 9},
    task_slots.HOLDERS_IN_DAG: {"of": "d", "limit": 9},
    task_slots.HOLDERS_IN_POOL: {"of": "d", "limit": 9},
    task_instances.FIND_ALL: (json.dumps([["r", "t", -1]]),),
}


@pytest.mark.parametrize("sql", PLANS)
def test_an_explanation_scans_no_table(make_world: MakeWorld, sql: str) -> None:
    with make_world().database.read() as tx:
        steps = [str(tuple(row)[3]) for row in tx.all("EXPLAIN QUERY PLAN " + sql, PLANS[sql])]
    assert [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step] == []
