"""The words of the DAG file that the scheduler itself carries out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from chalicelib.enums import BackfillState, Reprocess
from chalicelib.errors import Conflict, InvalidRequest
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import backfills, pools
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.scheduler.progress import MAX_INSTANCES_PER_EXPANSION
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]
Script = Callable[[TaskMessage], Played]


def slow(seconds: float) -> Script:
    return lambda _: Played(seconds=seconds)


def failing(*task_ids: str) -> Script:
    return lambda task: FAIL if task.attempt.task_id in task_ids else SUCCEED


def at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def dates(world: World) -> list[datetime]:
    rows = world.all("SELECT logical_date FROM runs ORDER BY id")
    return [datetime.fromtimestamp(row[0] / 1e6, UTC) for row in rows]


def started(world: World) -> list[str]:
    return [task.attempt.task_id for _, task in world.executor.started]


# ---------------------------------------------------------------- scheduling


def test_catchup_makes_every_missed_fire_time_in_order(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload('name: D\nschedule: "0 * * * *"\ncatchup: true\ntasks: [{id: t, command: x}]')
    world.clock.advance(5 * 3600 + 60)
    world.tick()
    assert dates(world) == [at(hour) for hour in (11, 12, 13, 14, 15)]


def test_catchup_begins_at_the_start_date_but_not_beyond_the_window(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(
        'name: D\nschedule: "0 0 * * *"\ncatchup: true\nstart_date: 2026-01-01\n'
        "catchup_window: 3d\ntasks: [{id: t, command: x}]"
    )
    world.tick()
    assert dates(world) == [at(0, day=21), at(0, day=22), at(0)]


def test_catchup_after_a_pause_goes_on_where_it_stopped(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload('name: D\nschedule: "0 * * * *"\ncatchup: true\ntasks: [{id: t, command: x}]')
    world.play(3600)
    dag_commands.set_paused(world.scheduler, "d", True, who="ann")
    world.clock.advance(3 * 3600)
    dag_commands.set_paused(world.scheduler, "d", False, who="ann")
    world.tick()
    assert dates(world) == [at(hour) for hour in (11, 12, 13, 14)]


def test_a_long_catchup_is_bounded_and_comes_to_its_end(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(
        'name: D\nschedule: "*/10 * * * *"\ncatchup: true\nmax_active_runs: 5\n'
        "tasks: [{id: t, command: x}]"
    )
    world.clock.advance(48 * 3600)
    world.tick()
    assert len(dates(world)) <= 110
    world.play(900)
    assert len(dates(world)) >= 288
    assert dates(world) == sorted(dates(world))


def test_overlap_skip_makes_no_run_at_the_limit_and_says_so(make_world: MakeWorld) -> None:
    world = make_world(slow(25))
    world.upload(
        'name: D\nschedule: "@every 10s"\nmax_active_runs: 1\noverlap_policy: skip\n'
        "tasks: [{id: t, command: x}]"
    )
    world.play(41)
    rows = world.all("SELECT state, reason FROM runs ORDER BY id")
    assert [state for state, _ in rows] == ["success", "cancelled", "cancelled", "running"]
    assert "overlap_policy skip" in rows[1][1]
    with pytest.raises(Conflict, match="overlap_policy skip"):
        world.request("d")


def test_overlap_replace_cancels_the_oldest(make_world: MakeWorld) -> None:
    world = make_world(slow(60))
    world.upload(
        "name: D\nmax_active_runs: 1\noverlap_policy: replace\ntasks: [{id: t, command: x}]"
    )
    first = world.request("d")
    world.play(2, ticking=False)
    second = world.request("d")
    world.play(2, ticking=False)
    assert (world.run_state(first), world.run_state(second)) == ("cancelled", "running")


def test_depends_on_past_waits_for_the_run_before(make_world: MakeWorld) -> None:
    world = make_world(slow(15))
    world.upload(
        'name: D\nschedule: "@every 10s"\ntasks: [{id: t, command: x, depends_on_past: true}]'
    )
    world.play(70)
    starts = [moment for moment, _ in world.executor.started]
    gaps = [(b - a).total_seconds() for a, b in pairwise(starts)]
    assert len(starts) >= 4
    assert min(gaps) >= 15


def test_depends_on_past_fails_behind_a_failure_until_that_is_cleared(
    make_world: MakeWorld,
) -> None:
    world = make_world(lambda _: FAIL)
    world.upload("name: D\ntasks: [{id: t, command: x, depends_on_past: true}]")
    first = world.request("d")
    world.play(2, ticking=False)
    second = world.request("d")
    world.play(2, ticking=False)
    assert world.task_states(second) == {"t": "upstream_failed"}
    assert first in world.all("SELECT reason FROM task_instances ORDER BY id")[1][0]
    world.executor.script = lambda _: SUCCEED
    run_commands.retry_run(world.scheduler, first, who="ann")
    world.play(2, ticking=False)
    run_commands.retry_run(world.scheduler, second, who="ann")
    world.play(2, ticking=False)
    assert world.run_state(second) == "success"


def test_a_dag_that_keeps_failing_is_paused_with_the_reason(make_world: MakeWorld) -> None:
    world = make_world(lambda _: FAIL)
    world.upload(
        'name: D\nschedule: "@every 10s"\nmax_consecutive_failed_dag_runs: 3\n'
        "tasks: [{id: t, command: x}]"
    )
    world.play(100)
    ((is_paused, reason),) = world.all("SELECT is_paused, paused_reason FROM dags")
    assert is_paused
    assert "3 runs in a row failed" in reason
    assert 3 <= len(dates(world)) <= 4
    dag_commands.set_paused(world.scheduler, "d", False, who="ann")
    assert world.all("SELECT is_paused, paused_reason FROM dags") == [(0, None)]


def test_a_run_that_takes_too_long_fails_and_is_stopped(make_world: MakeWorld) -> None:
    world = make_world(slow(1000))
    world.upload(
        "name: D\ndagrun_timeout: 30s\n"
        "tasks: [{id: a, command: x, retries: 3}, {id: b, command: x, dependencies: a}]"
    )
    run_id = world.request("d")
    world.play(40)
    assert world.all("SELECT state, reason FROM runs") == [
        ("failed", "took longer than dagrun_timeout (30 s)")
    ]
    assert world.task_states(run_id) == {"a": "cancelled", "b": "cancelled"}
    assert world.executor.running == []


# ---------------------------------------------------------------- values


def test_params_are_checked_completed_and_given_to_commands(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(
        "name: D\nparams:\n  count: {type: integer, default: 3, maximum: 5}\n  who: nobody\n"
        "tasks: [{id: t, command: 'echo {{ params.who }} {{ params.count }}'}]"
    )
    nasty = "$(touch /tmp/x); \"'"
    world.request("d", params={"who": nasty})
    world.play(1, ticking=False)
    message = world.executor.started[0][1]
    assert message.env["PARAM_WHO"] == nasty
    assert message.env["PARAM_COUNT"] == "3"
    assert message.command == "echo '$(touch /tmp/x); \"'\"'\"'' '3'"
    with pytest.raises(InvalidRequest, match="count"):
        world.request("d", params={"count": 6})
    with pytest.raises(InvalidRequest, match="whoo"):
        world.request("d", params={"whoo": "x"})


OUTPUTS = """
name: D
tasks:
  - {id: make, command: x, outputs: [files, count]}
  - id: use
    dependencies: make
    command: "echo {{ outputs.make.count }}"
    env: {FILES: "{{ outputs.make.files }}"}
"""


def producing(**outputs: object) -> Script:
    return lambda task: Played(outputs=outputs if task.attempt.task_id == "make" else {})


def test_outputs_reach_the_tasks_behind(make_world: MakeWorld) -> None:
    world = make_world(producing(files=["a b", "c"], count=2))
    world.upload(OUTPUTS)
    run_id = world.request("d")
    world.play(2, ticking=False)
    assert world.run_state(run_id) == "success"
    message = world.executor.started[1][1]
    assert message.command == "echo '2'"
    assert json.loads(message.env["OUTPUT_MAKE_FILES"]) == ["a b", "c"]
    assert json.loads(message.env["FILES"]) == ["a b", "c"]


def test_an_output_that_is_missing_at_the_end_fails_the_task_that_needs_it(
    make_world: MakeWorld,
) -> None:
    world = make_world(producing(files=[]))
    world.upload(OUTPUTS)
    run_id = world.request("d")
    world.play(2, ticking=False)
    assert world.task_states(run_id) == {"make": "success", "use": "failed"}
    assert world.run_state(run_id) == "failed"


# ---------------------------------------------------------------- copies


EXPANDED = """
name: D
max_active_tasks: 10000
tasks:
  - {id: make, command: x, outputs: [files]}
  - id: each
    command: echo "$FILE"
    dependencies: make
    expand: {FILE: "{{ outputs.make.files }}"}
  - {id: join, command: x, dependencies: each}
"""


def test_a_task_is_expanded_over_an_earlier_output(make_world: MakeWorld) -> None:
    world = make_world(producing(files=["a", {"b": 1}, 3]))
    world.upload(EXPANDED)
    run_id = world.request("d")
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "success"
    copies = [m for _, m in world.executor.started if m.attempt.task_id == "each"]
    assert sorted((m.attempt.map_index, m.env["FILE"]) for m in copies) == [
        (0, "a"),
        (1, '{"b": 1}'),
        (2, "3"),
    ]
    assert started(world)[-1] == "join"


def test_several_names_make_every_combination(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x, expand: {A: [1, 2], B: [x, y]}}]")
    world.request("d")
    world.play(2, ticking=False)
    pairs = [(m.env["A"], m.env["B"]) for _, m in world.executor.started]
    assert sorted(pairs) == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]


def test_nothing_to_expand_over_is_a_skip(make_world: MakeWorld) -> None:
    world = make_world(producing(files=[]))
    world.upload(EXPANDED)
    run_id = world.request("d")
    world.play(2, ticking=False)
    assert world.task_states(run_id) == {"make": "success", "each": "skipped", "join": "skipped"}
    assert world.run_state(run_id) == "success"


def test_ten_thousand_copies_work(make_world: MakeWorld) -> None:
    world = make_world(producing(files=list(range(10_000))))
    world.upload(EXPANDED)
    run_id = world.request("d")
    world.play(30)
    assert world.run_state(run_id) == "success"
    assert len(world.executor.started) == 10_002


def test_outputs_that_no_message_can_carry_fail_the_task_that_is_given_them(
    make_world: MakeWorld,
) -> None:
    outputs: dict[str, dict[str, object]] = {
        "make": {"files": list(range(100))},
        "each": {"x": "a" * 3000},
    }
    world = make_world(lambda task: Played(outputs=outputs.get(task.attempt.task_id, {})))
    world.upload(EXPANDED.replace('"$FILE"', '"$FILE"\n    outputs: [x]'))
    run_id = world.request("d")
    world.play(3, ticking=False)
    assert world.task_states(run_id)["join"] == "failed"
    ((reason,),) = world.all("SELECT reason FROM task_instances WHERE task_id = 'join'")
    assert "at most 262144 can be sent; $OUTPUT_EACH_X has the most, 300400 characters" in reason


def test_no_copy_is_made_as_late_as_the_next_tick(make_world: MakeWorld) -> None:
    files = list(range(2 * MAX_INSTANCES_PER_EXPANSION + 1))
    world = make_world(
        lambda task: Played(outputs={"files": files}, seconds=99 * task.attempt.map_index + 99)
    )
    world.upload(EXPANDED.replace("10000", "2"))
    world.request("d")
    world.play(2, ticking=False)
    counts = world.all(
        "SELECT count(*) FROM task_instances WHERE task_id = 'each' AND removed_at IS NULL"
    )
    assert counts == [(len(files),)]


def test_copies_at_once_are_limited(make_world: MakeWorld) -> None:
    world = make_world(slow(2))
    world.upload(
        "name: D\ntasks: [{id: t, command: x, max_active_tis_per_dagrun: 2,"
        " expand: {A: [1, 2, 3, 4, 5]}}]"
    )
    run_id = world.request("d")
    for _ in range(20):
        world.play(0.5, ticking=False)
        assert len(world.executor.running) <= 2
    assert world.run_state(run_id) == "success"


def test_clearing_what_a_task_is_expanded_over_makes_its_copies_anew(make_world: MakeWorld) -> None:
    world = make_world(producing(files=["a", "b", "c"]))
    world.upload(EXPANDED)
    run_id = world.request("d")
    world.play(3, ticking=False)
    world.executor.script = producing(files=["z"])
    run_commands.clear(world.scheduler, run_id, task_ids=["make"], downstream=True, who="ann")
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "success"
    counts = world.all(
        "SELECT count(*) FROM task_instances WHERE task_id = 'each' AND removed_at IS NULL"
    )
    assert counts == [(1,)]
    assert [m.env["FILE"] for _, m in world.executor.started if "FILE" in m.env][-1] == "z"


# ---------------------------------------------------------------- sensors


SENSOR = (
    "name: D\ntasks: [{id: t, command: x, retries: 1, retry_delay: 1,"
    " sensor: {poke_interval: 10, timeout: 35, soft_fail: %s}}]"
)


def test_a_sensor_is_asked_until_it_says_yes(make_world: MakeWorld) -> None:
    world = make_world(lambda task: SUCCEED if task.attempt.poke == 2 else FAIL)
    world.upload(SENSOR % "false")
    run_id = world.request("d")
    world.play(5)
    assert world.task_states(run_id) == {"t": "up_for_reschedule"}
    world.play(30)
    assert world.run_state(run_id) == "success"
    starts = [moment for moment, _ in world.executor.started]
    assert [(b - a).total_seconds() for a, b in pairwise(starts)] == [10.1] * 2
    assert {task.attempt.try_number for _, task in world.executor.started} == {1}
    assert world.all("SELECT try_number, pokes FROM attempts") == [(1, 2)]
    # The first poke's start is kept: the timeline shows how long the sensor has been asking.
    [(first, last)] = world.all("SELECT first_started_at, started_at FROM attempts")
    assert last - first == 20_200_000
    assert world.all("SELECT first_started_at FROM task_instances") == [(first,)]


@pytest.mark.parametrize(("soft", "state"), [("false", "failed"), ("true", "skipped")])
def test_a_sensor_gives_up(make_world: MakeWorld, soft: str, state: str) -> None:
    world = make_world(lambda _: FAIL)
    world.upload(SENSOR % soft)
    run_id = world.request("d")
    world.play(120)
    assert world.task_states(run_id) == {"t": state}
    assert len(world.executor.started) == 4


# ---------------------------------------------------------------- pools and priority


def test_a_pool_limits_tasks_across_dags(make_world: MakeWorld) -> None:
    world = make_world(slow(5))
    pools.put_pool(world.scheduler, "db", 3, who="ann")
    text = (
        "name: {}\ntasks: [{{id: a, command: x, pool: db, pool_slots: 2}},"
        " {{id: b, command: x, pool: db}}]"
    )
    for name in ("One", "Two"):
        world.upload(text.format(name), f"{name}.yaml")
    runs = [world.request("one"), world.request("two")]
    for _ in range(40):
        world.play(0.5, ticking=False)
        used = sum(2 if r.attempt.task_id == "a" else 1 for _, r in world.executor.running)
        assert used <= 3
    assert [world.run_state(run_id) for run_id in runs] == ["success"] * 2


def test_a_task_of_a_missing_pool_waits_and_says_so(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x, pool: db}]")
    run_id = world.request("d")
    world.play(2, ticking=False)
    assert world.task_states(run_id) == {"t": "scheduled"}
    assert "no pool 'db'" in world.all("SELECT reason FROM task_instances")[0][0]
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    world.play(2, ticking=False)
    assert world.run_state(run_id) == "success"


def test_a_pool_in_use_cannot_be_removed(make_world: MakeWorld) -> None:
    world = make_world(slow(5))
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    world.upload("name: D\ntasks: [{id: t, command: x, pool: db}]")
    world.request("d")
    with pytest.raises(Conflict, match="in use"):
        pools.remove_pool(world.scheduler, "db", who="ann")
    world.play(8, ticking=False)
    pools.remove_pool(world.scheduler, "db", who="ann")


def test_the_weightier_task_goes_first_when_a_limit_binds(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(
        "name: D\nmax_active_tasks: 1\ntasks:\n"
        "  - {id: light, command: x}\n  - {id: heavy, command: x, priority_weight: 9}"
    )
    world.request("d")
    world.play(3, ticking=False)
    assert started(world) == ["heavy", "light"]


# ---------------------------------------------------------------- other DAGs


CHILD = "name: Child\nparams: {n: 1}\ntasks: [{id: t, command: x}]"


def test_a_task_starts_another_dag_with_conf(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(CHILD, "child.yaml")
    world.upload(
        "name: Parent\nparams: {m: 7}\n"
        'tasks: [{id: go, trigger_dag_id: child, conf: {n: "{{ params.m }}"}}]',
        "parent.yaml",
    )
    run_id = world.request("parent")
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "success"
    assert world.executor.started[0][1].env["PARAM_N"] == "7"
    assert world.all("SELECT run_type, state FROM runs WHERE dag_id = 'child'") == [
        ("triggered", "success")
    ]


@pytest.mark.parametrize(("script", "state"), [(slow(3), "success"), (failing("t"), "failed")])
def test_a_task_waits_for_the_run_that_it_started(
    make_world: MakeWorld, script: Script, state: str
) -> None:
    world = make_world(script)
    world.upload(CHILD, "child.yaml")
    world.upload(
        "name: Parent\ntasks: [{id: go, trigger_dag_id: child, wait_for_completion: true}]",
        "parent.yaml",
    )
    run_id = world.request("parent")
    world.settle()
    assert world.task_states(run_id) == {"go": "running"} or state == "failed"
    world.play(6, ticking=False)
    assert world.run_state(run_id) == state


def test_a_cycle_of_dags_is_stopped(make_world: MakeWorld) -> None:
    world = make_world()
    for one, other in (("A", "b"), ("B", "a")):
        world.upload(
            f"name: {one}\ntasks: [{{id: go, trigger_dag_id: {other}, wait_for_completion: true}}]",
            f"{one}.yaml",
        )
    run_id = world.request("a")
    world.play(3, ticking=False)
    assert world.run_state(run_id) == "failed"
    assert world.all("SELECT count(*) FROM runs") == [(2,)]
    assert any("cycle a -> b -> a" in row[0] for row in world.all("SELECT reason FROM attempts"))


# ---------------------------------------------------------------- backfill


def test_a_backfill_is_made_little_by_little_and_ends(make_world: MakeWorld) -> None:
    world = make_world(slow(1))
    world.upload('name: D\nschedule: "0 * * * *"\ntasks: [{id: t, command: x}]')
    first, last = at(0, day=20), at(23, day=20)
    would = backfills.create(
        world.scheduler, "d", who="ann", from_date=first, to_date=last, dry_run=True
    )
    assert (would.id, would.total, would.already) == (None, 24, 0)
    plan = backfills.create(
        world.scheduler, "d", who="ann", from_date=first, to_date=last, max_active_runs=2
    )
    for _ in range(40):
        active = world.all("SELECT count(*) FROM runs WHERE ended_at IS NULL")[0][0]
        assert active <= 2
        world.play(1, ticking=False)
    assert dates(world) == [first + timedelta(hours=n) for n in range(24)]
    assert world.all("SELECT state, counts FROM backfills") == [("done", '{"created": 24}')]
    assert plan.id == 1


def test_a_backfill_makes_no_run_of_the_future(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload('name: D\nschedule: "0 * * * *"\ntasks: [{id: t, command: x}]')
    now = world.clock()
    ahead = now + timedelta(days=1)
    plan = backfills.create(
        world.scheduler, "d", who="a", from_date=now - timedelta(hours=3), to_date=ahead
    )
    assert plan.dates[-1] <= now
    with pytest.raises(InvalidRequest, match="in the future"):
        backfills.create(
            world.scheduler, "d", who="a", from_date=now + timedelta(hours=1), to_date=ahead
        )


def test_a_backfill_leaves_or_redoes_what_was_run(make_world: MakeWorld) -> None:
    world = make_world(lambda _: FAIL)
    world.upload('name: D\nschedule: "0 * * * *"\ntasks: [{id: t, command: x}]')
    first, last = at(1, day=20), at(3, day=20)
    world.request("d", logical_date=at(2, day=20))
    world.play(2, ticking=False)
    world.executor.script = lambda _: SUCCEED
    backfills.create(world.scheduler, "d", who="a", from_date=first, to_date=last)
    world.play(5, ticking=False)
    states = dict(world.all("SELECT logical_date, state FROM runs"))
    assert sorted(states.values()) == ["failed", "success", "success"]
    backfills.create(
        world.scheduler, "d", who="a", from_date=first, to_date=last, reprocess=Reprocess.FAILED
    )
    world.play(5, ticking=False)
    assert {row[0] for row in world.all("SELECT state FROM runs")} == {"success"}
    assert world.all("SELECT counts FROM backfills ORDER BY id") == [
        ('{"created": 2, "skipped": 1}',),
        ('{"skipped": 2, "cleared": 1}',),
    ]


def test_a_backfill_goes_backwards_pauses_and_is_cancelled(make_world: MakeWorld) -> None:
    world = make_world(slow(1))
    world.upload('name: D\nschedule: "0 * * * *"\ntasks: [{id: t, command: x}]')
    plan = backfills.create(
        world.scheduler,
        "d",
        who="a",
        from_date=at(0, day=20),
        to_date=at(9, day=20),
        max_active_runs=1,
        reverse=True,
    )
    assert plan.id is not None
    world.play(2, ticking=False)
    backfills.set_state(world.scheduler, plan.id, BackfillState.PAUSED, who="a")
    world.play(5, ticking=False)
    paused = dates(world)
    assert paused == sorted(paused, reverse=True)
    world.play(5, ticking=False)
    assert dates(world) == paused
    backfills.set_state(world.scheduler, plan.id, BackfillState.RUNNING, who="a")
    world.play(1, ticking=False)
    backfills.cancel(world.scheduler, plan.id, who="a")
    world.play(3, ticking=False)
    assert world.all("SELECT count(*) FROM runs WHERE ended_at IS NULL") == [(0,)]
    with pytest.raises(Conflict):
        backfills.set_state(world.scheduler, plan.id, BackfillState.RUNNING, who="a")


@pytest.mark.parametrize(
    ("stop_running", "expected"),
    [
        (False, ["success", "success", "cancelled", "cancelled"]),
        (True, ["cancelled", "cancelled", "cancelled", "cancelled"]),
    ],
)
def test_what_runs_of_a_cancelled_backfill_finishes_unless_it_is_to_be_stopped(
    make_world: MakeWorld, stop_running: bool, expected: list[str]
) -> None:
    world = make_world(slow(20))
    world.upload(
        'name: D\nschedule: "0 * * * *"\nmax_active_tasks: 2\n'
        "tasks: [{id: a, command: x}, {id: b, command: x, dependencies: a}]"
    )
    plan = backfills.create(
        world.scheduler,
        "d",
        who="a",
        from_date=at(0, day=20),
        to_date=at(9, day=20),
        max_active_runs=4,
    )
    assert plan.id is not None
    world.play(1, ticking=False)
    states = "SELECT state FROM runs ORDER BY id"
    assert world.all(states) == [("running",), ("running",), ("queued",), ("queued",)]
    backfills.cancel(world.scheduler, plan.id, who="ann", stop_running=stop_running)
    assert world.all("SELECT state FROM backfills") == [("cancelled",)]
    world.play(60, ticking=False)
    assert [state for (state,) in world.all(states)] == expected
    reasons = {row[0] for row in world.all("SELECT reason FROM runs WHERE state = 'cancelled'")}
    assert reasons == {"its backfill was cancelled by ann"}
    assert world.all("SELECT state FROM backfills") == [("cancelled",)]


def test_a_backfill_does_not_starve_the_schedule(make_world: MakeWorld) -> None:
    world = make_world(slow(4))
    world.upload(
        'name: D\nschedule: "@every 30s"\nmax_active_runs: 2\ntasks: [{id: t, command: x}]'
    )
    backfills.create(
        world.scheduler, "d", who="a", from_date=at(8), to_date=at(10), max_active_runs=2
    )
    world.play(200)
    late = [
        moment.timestamp() - datetime.fromisoformat(m.env["LOGICAL_DATE"]).timestamp()
        for moment, m in world.executor.started
        if m.env["TRIGGER_TYPE"] == "scheduled"
    ]
    assert len(late) >= 6
    assert max(late) < 10


# ---------------------------------------------------------------- notifications


def test_people_are_told_what_they_wanted_to_know(make_world: MakeWorld) -> None:
    world = make_world(lambda task: FAIL if task.attempt.try_number == 1 else SUCCEED)
    world.upload(
        "name: D\non_success: [{sns: 'arn:aws:sns:us-east-1:123456789012:t'}]\n"
        "on_failure: [{command: x}]\n"
        "tasks:\n  - id: t\n    command: x\n    retries: 1\n    retry_delay: 1\n"
        "    on_retry: [{webhook: 'https://example.org/x'}]\n"
    )
    world.request("d")
    world.play(5, ticking=False)
    assert [(n.how, n.subject) for n in world.executor.notified] == [
        ("webhook", "d.t: retry"),
        ("sns", "d: success"),
    ]
    assert world.all("SELECT state FROM notifications") == [("delivered",)] * 2


def test_a_notification_that_nobody_confirms_is_sent_again_and_blocks_nothing(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload("name: D\non_success: [{command: x}]\ntasks: [{id: t, command: x}]")
    run_id = world.request("d")
    world.execute()
    world.clock.advance(1)
    world.executor.finish_due()
    world.apply()
    world.tasks.delete(world.tasks.receive())  # lost
    assert world.run_state(run_id) == "success"
    world.play(200)
    assert world.executor.notified == []
    world.play(200)
    assert len(world.executor.notified) == 1


def test_old_runs_go_as_their_dag_says(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: Short\nretention_days: 1\ntasks: [{id: t, command: x}]", "1.yaml")
    world.upload("name: Long\nretention_days: 200\ntasks: [{id: t, command: x}]", "2.yaml")
    world.upload("name: Usual\ntasks: [{id: t, command: x}]", "3.yaml")
    for dag_id in ("short", "long", "usual"):
        world.request(dag_id)
    world.play(2, ticking=False)
    world.clock.advance(2 * 86400)
    world.tick()
    remaining = world.all("SELECT dag_id FROM runs ORDER BY 1")
    assert remaining == [("long",), ("usual",)]
    world.clock.advance(100 * 86400)
    world.tick()
    assert world.all("SELECT dag_id FROM runs") == [("long",)]
    assert [key for key in world.runs.objects if not key.startswith("long/")] == []
