"""Whatever one item of a batch raises, its neighbours go on, and the item ends with a reason within
ten minutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import runs
from chalicelib.scheduler.tick import tick
from tests.support.poison import poison
from tests.support.world import DIE, FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]


class Mute(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


UNPLANNED: dict[str, Callable[[], Exception]] = {
    "attribute": lambda: AttributeError("x"),
    "assertion": AssertionError,
    "recursion": lambda: RecursionError("too deep"),
    "memory": MemoryError,
    "key": lambda: KeyError("x"),
    "division": ZeroDivisionError,
    "stop": StopIteration,
    "unicode": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    "os": lambda: OSError(5, "I/O"),
    "group": lambda: ExceptionGroup("some", [ValueError("x")]),
    "mute": Mute,
}

TEXT = """
name: {name}
schedule: "*/2 * * * *"
max_active_runs: 1
dagrun_timeout: 200
params: {{p: 1}}
on_failure: [{{command: tell}}]
tasks:
  - {{id: first, command: "x {{{{ ds }}}}", retries: 1, retry_delay: 1, pool: shared,
      on_failure: [{{command: tell}}], on_success: [{{command: tell}}]}}
  - {{id: many, command: x, dependencies: first, expand: {{A: [1, 2]}},
      max_active_tis_per_dagrun: 1, depends_on_past: true}}
  - {{id: ask, command: x, sensor: {{poke_interval: 5, timeout: 20}}, dependencies: first}}
  - {{id: go, trigger_dag_id: child, wait_for_completion: true, dependencies: many}}
"""
CHILD = "name: Child\nmax_active_runs: 9\ntasks: [{id: t, command: x}]"

ATTRIBUTES = [
    "",
    "tasks",
    "schedule",
    "params",
    "env",
    "dagrun_timeout",
    "overlap_policy",
    "on_failure",
    "on_success",
    "timezone",
    "max_consecutive_failed_dag_runs",
    *(
        f"task.{name}"
        for name in (
            "id",
            "command",
            "env",
            "dependencies",
            "trigger_rule",
            "expand",
            "sensor",
            "retries",
            "on_failure",
            "on_success",
            "on_retry",
            "outputs",
            "pool",
            "depends_on_past",
            "trigger_dag_id",
            "conf",
            "wait_for_completion",
            "max_active_tis_per_dagrun",
            "execution_timeout",
        )
    ),
]


def half_good(message: TaskMessage) -> Played:
    """Store two DAGs; of the bad one's tasks one fails at first, and one dies."""
    attempt = message.attempt
    if attempt.dag_id != "bad":
        return SUCCEED
    if attempt.task_id == "first" and attempt.try_number == 1:
        return FAIL
    return DIE if attempt.task_id == "ask" else Played(seconds=8)


def start(make_world: MakeWorld, script: Callable[[TaskMessage], Played] = half_good) -> World:
    world = make_world(script)
    with world.database.write() as tx:
        tx.execute("INSERT INTO pools (name, slots, updated_at) VALUES ('shared', 3, 0)")
    world.upload(CHILD, "child.yaml")
    for name in ("bad", "good"):
        world.upload(TEXT.format(name=name), f"{name}.yaml")
    return world


def check(world: World) -> None:
    """The neighbours went on as if nothing were the matter, and of the bad DAG nothing is left."""
    good = world.all("SELECT state, reason FROM runs WHERE dag_id = 'good' AND ended_at > 0")
    assert len(good) >= 4
    assert {state for state, _ in good} == {"success"}
    dag_commands.set_paused(world.scheduler, "good", True, who="ann")
    if not world.all("SELECT 1 FROM dags WHERE dag_id = 'bad' AND is_paused"):
        with world.database.write() as tx:
            tx.execute("UPDATE dags SET is_paused = 1, next_fire_at = NULL WHERE dag_id = 'bad'")
    world.play(720)
    active = "SELECT run_id, state FROM runs WHERE ended_at IS NULL AND run_type <> 'scheduled'"
    assert world.all(active) == []
    assert world.all("SELECT id FROM runs WHERE ended_at IS NULL AND admitted_at > 0") == []
    in_flight = "SELECT task_id FROM task_instances WHERE state IN ('queued', 'running')"
    assert world.all(in_flight) == []
    assert world.all("SELECT 1 FROM runs WHERE state = 'failed' AND reason = ''") == []
    assert world.all("SELECT attempt FROM stop_requests") == []


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("seconds", [0, 10, 125])
def test_what_a_definition_raises_stops_no_neighbour_and_ends(
    make_world: MakeWorld, attribute: str, seconds: float
) -> None:
    world = start(make_world)
    world.play(seconds)
    waiting = world.request("bad")
    poison(world, "bad", attribute, lambda: AttributeError("x"))
    world.play(610)
    check(world)
    assert world.run_state(waiting) in {"success", "failed", "cancelled"}


@pytest.mark.parametrize("kind", UNPLANNED)
@pytest.mark.parametrize("attribute", ["", "schedule", "task.trigger_rule", "task.command"])
def test_it_does_not_matter_what_is_raised(
    make_world: MakeWorld, attribute: str, kind: str
) -> None:
    world = start(make_world)
    world.play(10)
    poison(world, "bad", attribute, UNPLANNED[kind])
    world.play(610)
    check(world)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_to_end_the_process_ends_it(
    make_world: MakeWorld, error: type[BaseException]
) -> None:
    world = start(make_world)
    world.play(10)
    poison(world, "bad", "schedule", error)
    world.clock.advance(130)
    before = world.all("SELECT max(seq) FROM commits")
    with pytest.raises(error):
        tick(world.scheduler)
    assert world.all("SELECT max(seq) FROM commits") == before


def test_a_cancel_ends_a_run_that_cannot_be_read(make_world: MakeWorld) -> None:
    world = start(make_world, lambda _: Played(seconds=900))
    run_id = world.request("bad")
    world.play(2)
    poison(world, "bad", "", lambda: AttributeError("x"))
    runs.cancel_run(world.scheduler, run_id, who="ann")
    world.play(5)
    assert world.run_state(run_id) == "cancelled"
    assert world.task_states(run_id)["first"] == "cancelled"
    assert world.all("SELECT reason FROM runs WHERE run_id = ?", run_id) == [("cancelled by ann",)]


def test_a_dag_that_can_make_no_run_is_paused_and_says_why(make_world: MakeWorld) -> None:
    world = start(make_world, lambda _: SUCCEED)
    poison(world, "bad", "schedule", lambda: AttributeError("x"))
    world.play(610)
    ((is_paused, reason),) = world.all(
        "SELECT is_paused, paused_reason FROM dags WHERE dag_id = 'bad'"
    )
    assert is_paused
    assert "AttributeError: x" in reason


def test_a_success_counts_although_its_definition_is_gone(make_world: MakeWorld) -> None:
    world = start(make_world, lambda _: Played(seconds=5))
    run_id = world.request("bad")
    world.play(2)
    poison(world, "bad", "", lambda: AttributeError("x"))
    world.play(10)
    assert world.task_states(run_id)["first"] == "success"
    ((state, reason),) = world.all("SELECT state, reason FROM runs WHERE run_id = ?", run_id)
    assert state == "failed"
    assert reason == "internal error: AttributeError: x"
