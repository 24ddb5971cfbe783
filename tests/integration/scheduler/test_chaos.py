"""Random disorder: messages lost, doubled and reordered, executors and schedulers that die.

Whatever happens, no command starts twice for one attempt, no state moves against the table of legal
moves, and when the disorder is over every run ends.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.dag.model import Dag
from chalicelib.messages import TaskMessage
from tests.support.chaos import Chaos, assert_rules
from tests.support.world import DIE, FAIL, SUCCEED, Played, World

ACTIONS = (
    "execute",
    "execute",
    "execute twice",
    "lose task",
    "lose report",
    "apply",
    "apply",
    "apply twice",
    "apply reversed",
    "die before commit",
    "die before send",
    "tick",
    "second",
    "minute",
    "request",
    "cancel",
    "clear",
    "mark",
)


@st.composite
def dags(draw: st.DrawFn) -> str:
    """Up to six tasks with edges that go forward only, and small limits."""
    count = draw(st.integers(1, 6))
    lines = [
        "name: D",
        f"max_active_runs: {draw(st.integers(1, 3))}",
        f"max_active_tasks: {draw(st.integers(1, 4))}",
        "tasks:",
    ]
    for number in range(count):
        earlier = [f"t{i}" for i in range(number)]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        retries = draw(st.integers(0, 2))
        lines.append(
            f"  - {{id: t{number}, command: x, dependencies: [{', '.join(needs)}],"
            f" retries: {retries}, retry_delay: 1}}"
        )
    return "\n".join(lines)


FATES = st.sampled_from(
    [SUCCEED, SUCCEED, FAIL, DIE, Played(None, is_heard=False), Played(seconds=40)]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    dag=dags(),
    actions=st.lists(st.sampled_from(ACTIONS), max_size=60),
    fates=st.lists(FATES, max_size=12),
)
def test_no_disorder_breaks_the_rules_and_every_run_ends(
    dag: str, actions: list[str], fates: list[Played]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = Chaos(Path(folder), fates)
        try:
            world.upload(dag)
            world.request("d")
            for action in actions:
                world.act(action)
            world.play(2 * 3600)
            assert_rules(world)
        finally:
            world.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dag=dags())
def test_random_dags_run_in_topological_order_each_task_once(dag: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            world.upload(dag)
            run_id = world.request("d")
            world.play(20, ticking=False)
            assert world.run_state(run_id) == "success"
            seen: set[str] = set()
            for _, message in world.executor.started:
                assert needs(world, message) <= seen
                seen.add(message.attempt.task_id)
            assert len(seen) == len(world.executor.started) == len(world.task_states(run_id))
        finally:
            world.close()


def needs(world: World, message: TaskMessage) -> set[str]:
    ((compiled,),) = world.all("SELECT compiled FROM dag_versions")
    dag = Dag.from_json(json.loads(compiled))
    return set(dag.task(message.attempt.task_id).dependencies)
