"""Any two versions of a file, in any order of events, under any disorder: the rules hold, every run
ends, and no command runs without what its version gives it."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.dag.model import Dag
from chalicelib.errors import Conflict, NotFound
from chalicelib.messages import Attempt
from chalicelib.scheduler.commands import runs
from tests.support.chaos import Chaos, assert_rules
from tests.support.world import DIE, FAIL, SUCCEED, Played

SHAPES = (
    "command: 'echo v%d plain'",
    "command: 'echo v%d $X', expand: {X: [1, 2]}",
    "command: 'echo v%d $X', expand: {X: [1, 2, 3]}",
    "command: 'echo v%d $Y', expand: {Y: [1]}",
    "command: 'echo v%d plain', sensor: {poke_interval: 2, timeout: 20}",
    "trigger_dag_id: child, wait_for_completion: true",
)
RULES = ("all_success", "all_done", "one_failed", "none_failed")


@st.composite
def versions(draw: st.DrawFn) -> list[str]:
    """Generate versions of a DAG whose tasks come and go, and change in all that a version may
    change."""
    return [draw(version(number)) for number in range(1, draw(st.integers(2, 4)) + 1)]


@st.composite
def version(draw: st.DrawFn, number: int) -> str:
    names = draw(st.lists(st.sampled_from(["t0", "t1", "t2", "t3"]), min_size=1, unique=True))
    lines = [f"name: D # {number}", f"max_active_tasks: {draw(st.integers(1, 4))}", "tasks:"]
    for index, name in enumerate(names):
        needs = draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        shape = draw(st.sampled_from(SHAPES))
        shape = shape % number if "%d" in shape else shape
        lines.append(
            f"  - {{id: {name}, {shape}, dependencies: [{', '.join(needs)}],"
            f" trigger_rule: {draw(st.sampled_from(RULES))},"
            f" retries: {draw(st.integers(0, 2))}, retry_delay: {draw(st.sampled_from([1, 30]))}}}"
        )
    return "\n".join(lines)


ACTIONS = st.one_of(
    st.sampled_from(["execute", "execute", "apply", "apply", "tick", "second", "minute", "mark"]),
    st.sampled_from(["execute twice", "lose task", "lose report", "die before commit", "request"]),
    st.tuples(st.just("upload"), st.integers(0, 3)),
    st.tuples(st.just("clear"), st.sampled_from([None, "t0", "t1", "t2", "t3"]), st.booleans()),
    st.tuples(st.just("again"), st.sampled_from([True, False, None]), st.booleans()),
)
FATES = st.sampled_from([SUCCEED, SUCCEED, FAIL, FAIL, DIE, Played(seconds=40)])


def act(world: Chaos, files: list[str], action: object) -> None:
    if isinstance(action, str):
        world.act(action)
        return
    assert isinstance(action, tuple)
    what, first, second = (*action, None)[:3]
    run_id = world.last_run()
    with suppress(Conflict, NotFound):
        if what == "upload":
            world.upload(files[first % len(files)])
        elif what == "clear":
            names = None if first is None else [first]
            runs.clear(world.scheduler, run_id, task_ids=names, downstream=second, who="ann")
        else:
            runs.clear(
                world.scheduler, run_id, run_on_latest_version=first, only_failed=second, who="ann"
            )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    files=versions(),
    actions=st.lists(ACTIONS, min_size=5, max_size=50),
    fates=st.lists(FATES, max_size=16),
)
def test_whatever_versions_a_run_takes_the_rules_hold_and_it_ends(
    files: list[str], actions: list[object], fates: list[Played]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = Chaos(Path(folder), fates)
        try:
            world.upload("name: Child\ntasks: [{id: c, command: echo}]", "child.yaml")
            world.upload(files[0])
            world.request("d")
            for action in actions:
                act(world, files, action)
            world.play(3 * 3600)
            assert_rules(world)
            assert_versions(world)
        finally:
            world.close()


def assert_versions(world: Chaos) -> None:
    """Each run has the tasks of its version, and each command had the items that it names."""
    assert world.all("SELECT reason FROM runs WHERE reason LIKE '%internal%'") == []
    for run_key, compiled in world.all(
        "SELECT r.id, compiled FROM runs r JOIN dag_versions v ON v.id = r.version_id"
    ):
        dag = Dag.from_json(json.loads(compiled))
        now = "SELECT task_id, map_index FROM task_instances WHERE run_key = ?"
        rows = world.all(f"{now} AND removed_at IS NULL", run_key)
        assert {task_id for task_id, _ in rows} == {task.id for task in dag.tasks}
    for _, message in world.executor.started:
        for name in re.findall(r"\$([XY])", message.command):
            assert name in message.env, message.command
    told = world.all(
        "SELECT t.task_id, a.version, a.try_number, t.map_index, r.run_id FROM attempts a"
        " JOIN task_instances t ON t.id = a.task_instance_id JOIN runs r ON r.id = t.run_key"
    )
    noted = {(run_id, task, index, n): v for task, v, n, index, run_id in told}
    # A sensor that is asked again in the same attempt may be asked by a later version.
    last = {_attempt_key(message.attempt): message for _, message in world.executor.started}
    for key, message in last.items():
        if found := re.match(r"echo v(\d)", message.command):
            text = world.all(
                "SELECT source FROM dag_versions WHERE dag_id = 'd' AND version = ?", noted[key]
            )[0][0]
            assert f"# {found[1]}\n" in text


def _attempt_key(attempt: Attempt) -> tuple[str, str, int, int]:
    return attempt.run_id, attempt.task_id, attempt.map_index, attempt.try_number
