"""What may change in a task while a run has it: its place in the graph, its limits, its params, and
what it is expanded for."""

from __future__ import annotations

import json

import pytest

from chalicelib.enums import Outcome
from chalicelib.errors import Conflict
from chalicelib.scheduler.commands import pools as pool_commands
from chalicelib.scheduler.commands import runs
from tests.support.versions import A, MakeWorld, again, commands, dag, failing, ran, rows, versions
from tests.support.world import FAIL, SUCCEED, Played, World

# ---------------------------------------------------------------- what else may change


def test_new_dependencies_and_rules_decide_about_what_has_not_begun(make_world: MakeWorld) -> None:
    world = make_world(lambda task: FAIL if task.attempt.task_id == "a" else Played(seconds=20))
    world.upload(dag(A, "id: z, command: z1", "id: w, command: w1", head="max_active_tasks: 1"))
    run_id = world.request("d")
    world.play(1, ticking=False)
    assert rows(world, run_id) == {"a": "failed", "w": "scheduled", "z": "running"}
    world.upload(
        dag(
            "id: a, command: a2, dependencies: w",
            "id: z, command: z1",
            "id: w, command: w2, dependencies: z",
            head="max_active_tasks: 1",
        )
    )
    world.executor.script = failing()
    runs.clear(world.scheduler, run_id, task_ids=["a"], who="ann")
    assert rows(world, run_id) == {"a": "none", "w": "none", "z": "running"}
    world.play(60, ticking=False)
    assert commands(world) == ["a1", "z1", "w2", "a2"]
    assert world.run_state(run_id) == "success"


def test_a_new_count_of_retries_holds_for_attempts_that_go_on(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(Outcome.FAILED, 10, 1))
    world.upload(dag("id: a, command: a1, retries: 9, retry_delay: 1", "id: z, command: z1"))
    run_id = world.request("d")
    world.play(11, ticking=False)
    world.upload(dag("id: a, command: a2", "id: z, command: z2"))
    runs.clear(world.scheduler, run_id, task_ids=["z"], who="ann")
    world.play(120)
    assert commands(world).count("a1") + commands(world).count("a2") == 2
    assert world.run_state(run_id) == "failed"


def test_a_pool_that_changed_is_that_of_the_next_attempt(make_world: MakeWorld) -> None:
    world = make_world()
    pooled = "id: a, command: a1, retries: 1, retry_delay: 1, pool: {}"
    world.executor.script = lambda task: (
        Played(Outcome.FAILED, 10, 1) if task.attempt.task_id == "a" else FAIL
    )
    put_pools(world, one=1, two=0)
    world.upload(dag(pooled.format("one"), "id: z, command: z1"))
    run_id = world.request("d")
    world.play(2, ticking=False)
    world.upload(dag(pooled.format("two"), "id: z, command: z2"))
    runs.clear(world.scheduler, run_id, task_ids=["z"], who="ann")
    assert world.all("SELECT pool FROM task_instances WHERE task_id = 'a'") == [("one",)]
    world.play(60)
    assert world.all("SELECT pool, state FROM task_instances WHERE task_id = 'a'") == [
        ("two", "scheduled")
    ]
    world.executor.script = failing()
    put_pools(world, two=1)
    world.play(5, ticking=False)
    assert rows(world, run_id)["a"] == "success"


def put_pools(world: World, **pools: int) -> None:
    for name, slots in pools.items():
        pool_commands.put_pool(world.scheduler, name, slots, who="ann")


def test_a_time_limit_that_changed_counts_from_when_the_run_began(make_world: MakeWorld) -> None:
    world = make_world(lambda task: FAIL if task.attempt.task_id == "a" else Played(seconds=900))
    world.upload(dag(A, "id: z, command: z1"))
    run_id = world.request("d")
    world.play(30)
    world.upload(dag("id: a, command: a2", "id: z, command: z1", head="dagrun_timeout: 100"))
    runs.clear(world.scheduler, run_id, task_ids=["a"], who="ann")
    world.play(50)
    assert world.run_state(run_id) == "running"
    world.play(80)
    assert world.run_state(run_id) == "failed"
    assert "dagrun_timeout" in world.all("SELECT reason FROM runs")[0][0]


def test_new_params_take_their_defaults_and_old_ones_go(make_world: MakeWorld) -> None:
    world = make_world(failing("a"))
    world.upload(dag("id: a, command: 'echo {{ params.n }}'", head="params: {n: 1, gone: x}"))
    run_id = world.request("d", params={"n": 7})
    world.play(3, ticking=False)
    world.executor.script = failing()
    world.upload(
        dag("id: a, command: 'echo {{ params.n }} {{ params.m }}'", head="params: {n: 1, m: 2}")
    )
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert commands(world) == ["echo '7'", "echo '7' '2'"]
    assert json.loads(world.all("SELECT params FROM runs")[0][0]) == {"n": 7, "m": 2}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("{n: 1, m: {required: true, type: string}}", "'m' is required but has no value"),
        ("{n: {type: string, default: x}}", "'n' must be text, not 7"),
        ("{n: {enum: [1, 2], default: 1}}", "'n' must be one of 1, 2, not 7"),
    ],
)
def test_a_run_whose_params_do_not_suit_the_new_version_is_refused(
    make_world: MakeWorld, params: str, said: str
) -> None:
    world = make_world(failing("a"))
    world.upload(dag(A, head="params: {n: 1}"))
    run_id = world.request("d", params={"n": 7})
    world.play(3, ticking=False)
    world.upload(dag(A, head=f"params: {params}"))
    for is_dry in (True, False):
        with pytest.raises(Conflict, match="cannot continue with version 2") as refused:
            runs.retry_run(world.scheduler, run_id, dry_run=is_dry, who="ann")
        assert said in refused.value.message.replace('"', "'")
    assert world.all("SELECT version_id FROM runs") == [(1,)]
    runs.retry_run(world.scheduler, run_id, run_on_latest_version=False, who="ann")


def test_a_run_again_drops_params_that_the_file_no_longer_has(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(dag(A, head="params: {n: 1, gone: x}"))
    first = world.request("d", params={"n": 7})
    world.play(3, ticking=False)
    world.upload(dag(A, head="params: {n: 1}"))
    second = runs.rerun(world.scheduler, first, who="ann")
    (found,) = world.all("SELECT params, version_id FROM runs WHERE run_id = ?", second)
    assert (json.loads(found[0]), found[1]) == ({"n": 7}, 2)


# ---------------------------------------------------------------- expanded tasks


EACH = "id: each, command: 'echo $X', expand: {{X: {}}}, dependencies: a"
PLAIN = "id: each, command: echo, dependencies: a"


def items(world: World) -> list[str | None]:
    return [
        task.env.get("X") for _, task in world.executor.started if task.attempt.task_id == "each"
    ]


def test_a_longer_or_shorter_list_makes_other_copies(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, EACH.format("[p, q]")))
    world.upload(dag(A, EACH.format("[r, s, t]")))
    again(world, run_id, task_ids=["each"])
    assert items(world) == ["p", "q", "r", "s", "t"]
    world.upload(dag(A, EACH.format("[u]")))
    again(world, run_id, task_ids=["each"])
    assert items(world) == ["p", "q", "r", "s", "t", "u"]
    assert rows(world, run_id) == {
        "a": "success",
        "each[0]": "success",
        "each[1]": "(cancelled)",
        "each[2]": "(cancelled)",
    }
    assert world.run_state(run_id) == "success"
    world.upload(dag(A, EACH.format("[v, w]")))
    again(world, run_id, task_ids=["each"])
    assert rows(world, run_id)["each[1]"] == "success"
    names = [task.attempt.prefix for _, task in world.executor.started]
    assert len(set(names)) == len(names) == 9


def test_only_the_failed_copies_run_again_where_the_list_is_the_same(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    text = dag(A, EACH.format("[p, q, r]"))
    run_id = ran(world, text, lambda task: FAIL if task.attempt.map_index == 1 else SUCCEED)
    world.upload(text.replace("echo $X", "echo new $X"))
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert commands(world)[4:] == ["echo new $X"]
    assert world.run_state(run_id) == "success"


def test_an_expanded_task_becomes_a_plain_one_and_back(make_world: MakeWorld) -> None:
    world = make_world()
    run_id = ran(world, dag(A, EACH.format("[p, q]")))
    world.upload(dag(A, PLAIN))
    again(world, run_id, task_ids=["each"])
    assert items(world) == ["p", "q", None]
    assert rows(world, run_id) == {
        "a": "success",
        "each": "success",
        "each[0]": "(cancelled)",
        "each[1]": "(cancelled)",
    }
    world.upload(dag(A, EACH.format("[r]")))
    again(world, run_id, task_ids=["each"])
    assert items(world) == ["p", "q", None, "r"]
    assert rows(world, run_id)["each[0]"] == "success"
    assert rows(world, run_id)["each"] == "(cancelled)"
    assert world.run_state(run_id) == "success"
    assert len(versions(world)) == 5
    names = [task.attempt.prefix for _, task in world.executor.started]
    assert len(set(names)) == len(names)


def test_a_retry_of_a_copy_runs_the_whole_task_where_it_is_expanded_no_more(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    run_id = ran(
        world,
        dag(A, EACH.format("[p, q]")),
        lambda task: FAIL if task.attempt.map_index == 1 else SUCCEED,
    )
    world.upload(dag(A, PLAIN))
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert items(world) == ["p", "q", None]
    assert world.run_state(run_id) == "success"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (EACH.format("[p, q]"), PLAIN),
        (PLAIN, EACH.format("[p, q]")),
        (EACH.format("[p, q]"), EACH.format("[r]")),
        (EACH.format("[p, q]"), "id: each, command: x, dependencies: a, expand: {Y: [r, s]}"),
    ],
)
def test_a_task_that_has_not_begun_is_expanded_as_the_new_version_says(
    make_world: MakeWorld, old: str, new: str
) -> None:
    world = make_world()
    run_id = ran(world, dag(A, old), failing("a"))
    assert rows(world, run_id)["each"] == "upstream_failed"
    world.upload(dag("id: a, command: a2", new))
    again(world, run_id)
    ran_with = [task.env for _, task in world.executor.started if task.attempt.task_id == "each"]
    assert len(ran_with) == (2 if "p, q" in new or "r, s" in new else 1)
    assert world.run_state(run_id) == "success"


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize(
    "new", [PLAIN, "id: each, command: new, dependencies: a, expand: {Y: [r]}"]
)
def test_a_copy_that_waits_for_its_retry_never_runs_without_its_item(
    make_world: MakeWorld, new: str, copies: int
) -> None:
    world = make_world()
    old = EACH.format("[p]" if copies == 1 else "[p, q]")
    world.upload(
        dag("id: a, command: 'true'", f"{old}, retries: 3, retry_delay: 60", "id: z, command: z")
    )
    world.executor.script = lambda task: {"a": SUCCEED, "z": FAIL}.get(
        task.attempt.task_id, FAIL if task.attempt.map_index == 0 else Played(seconds=20)
    )
    run_id = world.request("d")
    world.play(5, ticking=False)
    assert rows(world, run_id)["each[0]"] == "up_for_retry"
    world.upload(dag("id: a, command: 'true'", new, "id: z, command: z"))
    world.executor.script = failing()
    again(world, run_id, seconds=200, task_ids=["z"])
    ran_with = [task.env for _, task in world.executor.started if task.attempt.task_id == "each"]
    if copies == 1:  # nobody works on the task: it begins anew
        assert len(ran_with) == 2 and ("Y" in ran_with[1]) == ("Y" in new)
        assert world.run_state(run_id) == "success"
    else:
        assert len(ran_with) == 2
        assert (rows(world, run_id)["each[0]"], world.run_state(run_id)) == ("failed", "failed")
        again(world, run_id, task_ids=["each"])
        assert world.run_state(run_id) == "success"


def test_what_was_expanded_while_it_runs_ends_as_it_began(make_world: MakeWorld) -> None:
    world = make_world(
        lambda task: FAIL if task.attempt.task_id == "z" else Played(Outcome.FAILED, 10, 1)
    )
    each = "id: each, command: old, expand: {X: [p, q]}, retries: 3, retry_delay: 5"
    world.upload(dag(each, "id: z, command: z1"))
    run_id = world.request("d")
    world.play(2, ticking=False)
    world.upload(dag("id: each, command: new, retries: 3, retry_delay: 5", "id: z, command: z2"))
    world.executor.script = failing()
    again(world, run_id, seconds=60, task_ids=["z"])
    assert sorted(commands(world)) == ["old", "old", "z1", "z2"]
    assert world.run_state(run_id) == "failed"
    runs.retry_run(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert commands(world)[4:] == ["new"]
    assert world.run_state(run_id) == "success"
