"""No door leads past a limit, and none into a wait without end: people, the clock, a backfill,
another DAG and a cleared run, in any order, with executors that last, fail, are stopped or die."""

from __future__ import annotations

import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.enums import Outcome, Reprocess
from chalicelib.errors import OrchestratorError
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import backfills, pools, runs
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import task_instances as task_commands
from tests.support.world import DIE, Played, World

POOL = 3
DAGS = {
    "one": """
name: One
schedule: "@every 20s"
max_active_runs: 2
max_active_tasks: 4
tasks:
  - {id: first, command: x, pool: shared, pool_slots: 2}
  - id: copies
    command: x
    pool: shared
    max_active_tis_per_dagrun: 2
    expand: {N: [1, 2, 3, 4, 5]}
  - {id: late, command: x, dependencies: first, retries: 2, retry_delay: 1}
  - {id: child, trigger_dag_id: two, wait_for_completion: true}
""",
    "two": """
name: Two
schedule: "@every 30s"
max_active_runs: 1
max_active_tasks: 2
tasks:
  - {id: a, command: x, pool: shared, priority_weight: 5}
  - {id: b, command: x, depends_on_past: true}
  - {id: c, command: x, sensor: {poke_interval: 2, timeout: 8, soft_fail: true}}
  - {id: d, command: x, dependencies: [a, b, c], trigger_rule: all_done}
""",
}
MAX_RUNS = {"one": 2, "two": 1}
MAX_TASKS = {"one": 4, "two": 2}
MAX_MAPPED_INSTANCES = 2


def by_chance(task: TaskMessage) -> Played:
    """How an attempt goes, by its name alone, so that a run of the test can be repeated."""
    a = task.attempt
    name = (
        f"{a.dag_id} {a.task_id} {a.map_index} {a.try_number} {a.poke} {task.env['LOGICAL_DATE']}"
    )
    chance = zlib.crc32(name.encode())
    if chance % 41 == 0:
        return DIE
    return Played(Outcome.FAILED if chance % 5 == 0 else Outcome.SUCCESS, seconds=chance % 70 / 10)


class Doors:
    """Whatever can make or begin something, as numbers choose it. What is refused is refused."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = world.scheduler
        self.all: list[Callable[[int], Any]] = [
            self.ask_for_a_run,
            self.start_backfill,
            self.clear,
            self.retry,
            self.cancel,
            self.cancel_a_task,
            self.mark,
            self.pause,
            self.make_the_pool_larger,
            self.upload_again,
        ]

    def go(self, door: int, number: int) -> None:
        try:
            self.all[door](number)
        except OrchestratorError:
            return

    def ask_for_a_run(self, number: int) -> None:
        self._world.request(self._dag(number))

    def start_backfill(self, number: int) -> None:
        end = datetime(2026, 11, 20, number % 24, tzinfo=UTC)
        backfills.create(
            self._scheduler,
            self._dag(number),
            who="ann",
            from_date=end - timedelta(minutes=3),
            to_date=end,
            reprocess=list(Reprocess)[number % 3],
        )

    def clear(self, number: int) -> None:
        runs.clear(self._scheduler, self._run(number), downstream=number % 3 == 0, who="ann")

    def retry(self, number: int) -> None:
        runs.retry_run(self._scheduler, self._run(number), who="ann")

    def cancel(self, number: int) -> None:
        runs.cancel_run(self._scheduler, self._run(number), who="ann")

    def cancel_a_task(self, number: int) -> None:
        rows = self._world.all(
            "SELECT run_id, task_id FROM task_instances t JOIN runs r ON r.id = run_key"
        )
        if rows:
            task_commands.cancel_task(self._scheduler, *rows[-1 - number % len(rows)], who="ann")

    def mark(self, number: int) -> None:
        states = ("success", "failed")
        run_id = self._run(number)
        tasks = list(self._world.task_states(run_id))
        if tasks:
            task_id = tasks[number % len(tasks)]
            task_commands.mark(
                self._scheduler, run_id, task_id, None, states[number % 2], who="ann"
            )

    def pause(self, number: int) -> None:
        dag_commands.set_paused(self._scheduler, self._dag(number), number % 4 < 2, who="ann")

    def make_the_pool_larger(self, number: int) -> None:
        """No larger than the limit that is checked; smaller ones stop nothing, so not smaller."""
        pools.put_pool(self._scheduler, "shared", POOL, who="ann")

    def upload_again(self, number: int) -> None:
        dag_id = self._dag(number)
        self._world.upload(DAGS[dag_id] + f"description: '{number}'\n", f"{dag_id}.yaml")

    def _dag(self, number: int) -> str:
        return ("one", "two")[number % 2]

    def _run(self, number: int) -> str:
        rows = self._world.all("SELECT run_id FROM runs ORDER BY id DESC LIMIT 8")
        return str(rows[number % len(rows)][0]) if rows else "none"


def check(world: World) -> None:
    """Check the limit against what really runs and what the database says."""
    running = [result.attempt for _, result in world.executor.running]
    in_flight = world.all(
        "SELECT t.dag_id, run_id, task_id, map_index, pool_slots, pool FROM task_instances t"
        " JOIN runs r ON r.id = run_key WHERE t.state IN ('queued', 'running')"
    )
    slots = {row[1:4]: row[4] for row in in_flight if row[5] == "shared"}
    _check_counts(Counter(row[0] for row in in_flight), MAX_TASKS)
    _check_counts(Counter(a.dag_id for a in running), MAX_TASKS)
    active = "SELECT dag_id FROM runs WHERE admitted_at IS NOT NULL AND ended_at IS NULL"
    _check_counts(Counter(row[0] for row in world.all(active)), MAX_RUNS)
    assert sum(slots.values()) <= POOL
    really = sum(slots.get((a.run_id, a.task_id, a.map_index), 0) for a in running)
    assert really <= POOL
    copies = Counter(row[1] for row in in_flight if row[2] == "copies")
    copies |= Counter(a.run_id for a in running if a.task_id == "copies")
    assert max(copies.values(), default=0) <= MAX_MAPPED_INSTANCES


def _check_counts(counts: Counter[str], most: dict[str, int]) -> None:
    assert {dag_id: n for dag_id, n in counts.items() if n > most[dag_id]} == {}


STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 99), st.sampled_from([0, 0, 0.5, 2, 5, 15])),
    min_size=3,
    max_size=14,
)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_no_limit_is_ever_exceeded_and_every_run_ends(steps: list[tuple[int, int, float]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), by_chance)
        try:
            _play(world, steps)
            _let_all_end(world)
        finally:
            world.close()


def _let_all_end(world: World) -> None:
    """Check that all runs end without the clock's or a person's help."""
    for dag_id, text in DAGS.items():
        world.upload(text.replace("schedule:", "description:"), f"{dag_id}.yaml")
        dag_commands.set_paused(world.scheduler, dag_id, False, who="ann")
    for _ in range(60):
        if not world.all(ACTIVE):
            return
        world.play(60)
        check(world)
    assert world.all(ACTIVE) == []


ACTIVE = "SELECT run_id, state FROM runs WHERE ended_at IS NULL"


def _play(world: World, steps: list[tuple[int, int, float]]) -> None:
    pools.put_pool(world.scheduler, "shared", POOL, who="ann")
    for dag_id, text in DAGS.items():
        world.upload(text, f"{dag_id}.yaml")
    doors = Doors(world)
    for door, number, seconds in steps:
        doors.go(door, number)
        check(world)
        for _ in range(int(seconds * 2)):
            world.play(0.5)
            check(world)
