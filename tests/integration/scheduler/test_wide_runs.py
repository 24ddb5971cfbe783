"""A wide run is not read whole for each success, and decides the same as a narrow one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.dag.states import TaskState
from chalicelib.dag.trigger_rules import RULES, WAITING_RULES, Decision, decide
from chalicelib.enums import Outcome
from chalicelib.messages import Result, TaskMessage
from chalicelib.scheduler import results
from chalicelib.scheduler.progress import FEW_TASKS
from tests.support.steps import counted
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]
WIDTH = FEW_TASKS + 5

OUTCOMES = {
    Decision.RUN: "success",
    Decision.SKIP: "skipped",
    Decision.UPSTREAM_FAILED: "upstream_failed",
}


def wide(rule: str) -> str:
    ids = [f"t{number}" for number in range(WIDTH)]
    tasks = "\n".join(f"  - {{id: {task_id}, command: x}}" for task_id in ids)
    last = f"  - {{id: last, command: x, dependencies: [{', '.join(ids)}], trigger_rule: {rule}}}"
    return f"name: D\nmax_active_tasks: 4\ntasks:\n{tasks}\n{last}"


def mapped(rule: str) -> str:
    return (
        "name: D\nmax_active_tasks: 2\ntasks:\n  - {id: t, command: x, expand: {N: [0, 1, 2, 3]}}\n"
        "  - {id: other, command: x}\n"
        f"  - {{id: last, command: x, dependencies: [t, other], trigger_rule: {rule}}}"
    )


@pytest.mark.parametrize("failing", [0, 1, WIDTH])
@pytest.mark.parametrize("make", [wide, mapped])
@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_decides_what_it_says(
    make_world: MakeWorld, rule: str, make: Callable[[str], str], failing: int
) -> None:
    failed: list[str] = []

    def script(message: TaskMessage) -> Played:
        if message.attempt.task_id == "last" or len(failed) >= failing:
            return SUCCEED
        failed.append(message.attempt.task_id)
        return FAIL

    world = make_world(script)
    world.upload(make(rule))
    run_id = world.request("d")
    world.play(60, ticking=False)
    assert world.run_state(run_id) in ("success", "failed")
    rows = world.all("SELECT state FROM task_instances WHERE task_id <> 'last'")
    counts = Counter(TaskState(state) for (state,) in rows)
    expected = OUTCOMES[decide(rule, counts, len(rows))]
    assert world.all("SELECT state FROM task_instances WHERE task_id = 'last'") == [(expected,)]


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_success_decides_a_waiting_rule_only_with_the_last_dependency(rule: str) -> None:
    total = 3
    decided = [
        decide(rule, {TaskState.SUCCESS: successes}, total) is not Decision.WAIT
        for successes in range(1, total)
    ]
    assert any(decided) is (rule not in WAITING_RULES)


def steps_of_one_success(world: World, width: int) -> int:
    tasks = "\n".join(f"  - {{id: t{number}, command: x}}" for number in range(width))
    world.upload(f"name: D\nmax_active_tasks: 4\ntasks:\n{tasks}")
    world.request("d")
    message = TaskMessage.decode(world.tasks.receive()[0].body)
    at = world.clock().timestamp()
    result = Result(message.attempt, Outcome.SUCCESS, started_at=at, ended_at=at, exit_code=0)
    with counted(world.database.path) as (database, steps):
        scheduler = replace(world.scheduler, database=database)
        return steps.of(lambda: results.apply(scheduler, [result.encode()]))


def test_one_success_reads_as_few_rows_of_a_wide_run_as_of_a_narrow_one(
    make_world: MakeWorld,
) -> None:
    narrow = steps_of_one_success(make_world(), 80)
    assert steps_of_one_success(make_world(), 800) < 1.2 * narrow
