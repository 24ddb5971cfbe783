"""`_defaults.yaml`: what DAGs take from it, whatever the order in which files arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from chalicelib.dag.language.json_schema import shared_json_schema
from chalicelib.dag.language.shared_file import parse_shared
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagFileError
from chalicelib.database.queries import dags
from chalicelib.errors import Conflict
from chalicelib.scheduler import registration
from chalicelib.scheduler.commands import pools
from tests.support.world import World

EXAMPLES = Path(__file__).parents[3] / "examples"
DAG = "name: D\ntasks: [{id: t, command: x}]"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def put(world: World, key: str, text: str) -> None:
    """Put the object there without an event."""
    world.dags.put(key, text.encode())


def register(world: World, *keys: str) -> None:
    registration.register(world.scheduler, keys)


def dag(world: World, dag_id: str = "d") -> Dag:
    with world.database.read() as tx:
        registered = dags.find(tx, dag_id)
        assert registered is not None
        return world.scheduler.definitions(tx, registered.version_id)


def versions(world: World, dag_id: str = "d") -> int:
    sql = "SELECT count(*) FROM dag_versions WHERE dag_id = ?"
    return int(world.all(sql, dag_id)[0][0])


def errors(world: World) -> dict[str, Any]:
    rows = world.all("SELECT file_key, problems FROM import_errors ORDER BY file_key")
    return {key: json.loads(problems) for key, problems in rows}


ROOT = """
default_args: {retries: 3, retry_delay: 7}
env: {A: root, B: root}
tags: [root]
on_failure: [{webhook: "https://example.org/root"}]
"""
NEAR = "default_args: {retries: 1}\nenv: {B: near}\n"


def test_a_dag_takes_each_key_from_the_nearest_file(world: World) -> None:
    put(world, "_defaults.yaml", ROOT)
    put(world, "a/b/_defaults.yaml", NEAR)
    put(world, "a/b/c/d.yaml", "name: D\nenv: {C: own}\ntasks: [{id: t, command: x}]")
    register(world, "a/b/c/d.yaml", "a/b/_defaults.yaml", "_defaults.yaml")
    taken = dag(world)
    assert taken.env == {"A": "root", "B": "near", "C": "own"}
    assert (taken.tasks[0].retries, taken.tasks[0].retry_delay) == (1, 7.0)
    assert taken.tags == ("root",)
    assert taken.on_failure[0].target == "https://example.org/root"
    assert versions(world) == 1


def test_what_the_dag_says_itself_comes_first(world: World) -> None:
    put(world, "_defaults.yaml", ROOT)
    put(
        world,
        "d.yaml",
        "name: D\ntags: []\nenv: {A: own}\non_failure: []\nsecrets: {B: 'env:X'}\n"
        "default_args: {retries: 2}\ntasks: [{id: t, command: x, retry_delay: 9}]",
    )
    register(world, "d.yaml", "_defaults.yaml")
    own = dag(world)
    assert (own.tags, own.env, own.on_failure) == ((), {"A": "own"}, ())
    assert (own.tasks[0].retries, own.tasks[0].retry_delay) == (2, 9.0)


@pytest.mark.parametrize("first", ["d.yaml", "_defaults.yaml"])
def test_the_order_of_arrival_does_not_matter(world: World, first: str) -> None:
    texts = {"d.yaml": DAG, "_defaults.yaml": "env: {A: a}"}
    for key in sorted(texts, key=lambda key: key != first):
        put(world, key, texts[key])
        register(world, key)
    assert dag(world).env == {"A": "a"}


def test_a_change_makes_a_version_of_the_dags_that_take_something_else(world: World) -> None:
    put(world, "a/_defaults.yaml", "env: {A: '1'}")
    put(world, "a/d.yaml", DAG)
    put(world, "a/own.yaml", "name: Own\nenv: {A: own}\ntasks: [{id: t, command: x}]")
    put(world, "b/other.yaml", "name: Other\ntasks: [{id: t, command: x}]")
    register(world, "a/_defaults.yaml", "a/d.yaml", "a/own.yaml", "b/other.yaml")
    put(world, "a/_defaults.yaml", "env: {A: '2'}")
    register(world, "a/_defaults.yaml")
    assert dag(world).env == {"A": "2"}
    assert [versions(world, name) for name in ("d", "own", "other")] == [2, 1, 1]


def test_a_comment_in_the_defaults_makes_no_version(world: World) -> None:
    put(world, "_defaults.yaml", "env: {A: a}")
    put(world, "d.yaml", DAG)
    register(world, "_defaults.yaml", "d.yaml")
    put(world, "_defaults.yaml", "# why\nenv: {A: a}")
    register(world, "_defaults.yaml")
    assert versions(world) == 1


def test_broken_defaults_are_an_import_error_and_change_nothing_else(world: World) -> None:
    put(world, "_defaults.yaml", "env: {A: a}")
    put(world, "d.yaml", DAG)
    register(world, "_defaults.yaml", "d.yaml")
    put(world, "_defaults.yaml", "env: {A: b}\nenvv: {}\n")
    register(world, "_defaults.yaml")
    [problem] = errors(world)["_defaults.yaml"]
    assert (problem["line"], problem["message"][:18]) == (2, "unknown key 'envv'")
    assert (dag(world).env, versions(world)) == ({"A": "a"}, 1)
    put(world, "new.yaml", "name: New\ntasks: [{id: t, command: x}]")
    register(world, "new.yaml")
    assert dag(world, "new").env == {"A": "a"}
    put(world, "_defaults.yaml", "env: {A: c}")
    register(world, "_defaults.yaml")
    assert (errors(world), dag(world).env) == ({}, {"A": "c"})


def test_removed_defaults_are_no_longer_taken(world: World) -> None:
    put(world, "_defaults.yaml", "env: {A: a}\npools: {p: 1}")
    put(world, "d.yaml", DAG)
    register(world, "_defaults.yaml", "d.yaml")
    world.dags.delete(["_defaults.yaml"])
    register(world, "_defaults.yaml")
    assert dag(world).env == {}
    assert world.all("SELECT name FROM pools") == []


def test_the_tick_finds_defaults_whose_event_was_lost(world: World) -> None:
    put(world, "d.yaml", DAG)
    register(world, "d.yaml")
    put(world, "_defaults.yaml", "env: {A: a}")
    registration.reconcile(world.scheduler)
    assert dag(world).env == {"A": "a"}
    world.dags.delete(["_defaults.yaml"])
    registration.reconcile(world.scheduler)
    assert dag(world).env == {}


def test_a_process_that_dies_after_the_change_leaves_the_rest_to_the_tick(world: World) -> None:
    put(world, "_defaults.yaml", "env: {A: a}")
    put(world, "d.yaml", DAG)
    register(world, "_defaults.yaml", "d.yaml")
    put(world, "_defaults.yaml", "env: {A: b}")
    dying = registration._Registration(world.scheduler, ["_defaults.yaml"], frozenset())
    dying.commit(dying.read_some())
    assert dag(world).env == {"A": "a"}
    registration.reconcile(world.scheduler)
    assert dag(world).env == {"A": "b"}


def test_a_dag_that_was_read_before_the_defaults_changed_is_read_again(world: World) -> None:
    put(world, "d.yaml", DAG)
    slow = registration._Registration(world.scheduler, ["d.yaml"], frozenset())
    read = slow.read_some()
    put(world, "_defaults.yaml", "env: {A: a}")
    register(world, "_defaults.yaml")
    slow.commit(read)
    while changes := slow.read_some():
        slow.commit(changes)
    assert dag(world).env == {"A": "a"}
    assert versions(world) == 1


def test_pools_live_in_files(world: World) -> None:
    put(world, "_defaults.yaml", "pools: {warehouse: 4, api: {slots: 2, description: The API}}")
    put(world, "a/_defaults.yaml", "pools: {warehouse: 9, own: 1}")
    register(world, "a/_defaults.yaml", "_defaults.yaml")
    rows = world.all("SELECT name, slots, description, file_key FROM pools ORDER BY name")
    assert rows == [
        ("api", 2, "The API", "_defaults.yaml"),
        ("own", 1, "", "a/_defaults.yaml"),
        ("warehouse", 4, "", "_defaults.yaml"),
    ]
    put(world, "_defaults.yaml", "pools: {api: 3}")
    register(world, "_defaults.yaml")
    rows = world.all("SELECT name, slots FROM pools ORDER BY name")
    assert rows == [("api", 3), ("own", 1), ("warehouse", 9)]


def test_a_pool_of_a_file_is_changed_there_and_a_user_keeps_those_that_no_file_has(
    world: World,
) -> None:
    pools.put_pool(world.scheduler, "mine", 1, who="ann")
    put(world, "_defaults.yaml", "pools: {warehouse: 4}")
    register(world, "_defaults.yaml")
    with pytest.raises(Conflict, match=r"defined in '_defaults\.yaml'; change it there"):
        pools.put_pool(world.scheduler, "warehouse", 5, who="ann")
    with pytest.raises(Conflict, match="change it there"):
        pools.remove_pool(world.scheduler, "warehouse", who="ann")
    assert world.all("SELECT name FROM pools ORDER BY name") == [("mine",), ("warehouse",)]


def warnings(world: World) -> list[tuple[str, int]]:
    [(text,)] = world.all("SELECT warnings FROM dags WHERE dag_id = 'd'")
    return [(warning["code"], warning["line"]) for warning in json.loads(text)]


def test_an_unknown_pool_is_a_warning_until_there_is_one(world: World) -> None:
    put(world, "d.yaml", "name: D\ntasks:\n  - id: t\n    command: x\n    pool: warehouse\n")
    register(world, "d.yaml")
    assert warnings(world) == [("unknown_pool", 5)]
    pools.put_pool(world.scheduler, "warehouse", 1, who="ann")
    assert warnings(world) == []


def test_a_pool_that_a_file_defines_later_ends_the_warning(world: World) -> None:
    put(world, "d.yaml", "name: D\ntasks: [{id: t, command: x, pool: warehouse}]")
    register(world, "d.yaml")
    put(world, "b/_defaults.yaml", "pools: {warehouse: 1}")
    register(world, "b/_defaults.yaml")
    assert warnings(world) == []


def test_another_ending_of_the_name_is_told(world: World) -> None:
    put(world, "_defaults.yml", "env: {A: a}")
    register(world, "_defaults.yml")
    [problem] = errors(world)["_defaults.yml"]
    assert "rename it" in problem["message"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("env: {A: '{{ params.x }}'}", "unknown name 'params'"),
        ("default_args: {command: 'echo {{ outputs.a.b }}'}", "unknown name 'outputs'"),
        ("default_args: {id: t}", "id cannot have a default"),
        ("pools: {a: many}", "expected a whole number"),
        ("pools: {a: {slots: 1, size: 1}}", "unknown key 'size'"),
        ("pools: {'a b': 1}", "not a valid pool name"),
        ("on_failure: [{slack: SLACK_URL}]", "reference such as ssm:/path"),
        ("name: D", "unknown key 'name'"),
        ("- a", "shared defaults are a mapping"),
    ],
)
def test_what_not_every_dag_can_take_is_a_problem(text: str, problem: str) -> None:
    with pytest.raises(DagFileError) as caught:
        parse_shared(text.encode())
    assert problem in caught.value.problems[0].message


def test_the_json_schema_of_shared_defaults_takes_what_the_parser_takes() -> None:
    schema = shared_json_schema()
    written = (EXAMPLES / "defaults.schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == json.loads(json.dumps(schema)), (
        "run: python -m chalicelib.dag.language.json_schema --defaults >"
        " examples/defaults.schema.json"
    )
    check = Draft202012Validator(schema)
    for text in (ROOT, NEAR, "pools: {a: 1, b: {slots: 2, description: x}}"):
        parse_shared(text.encode())
        assert check.is_valid(yaml.safe_load(text))
    for text in ("name: D", "pools: {a: many}", "pools: {a: {size: 1}}"):
        assert not check.is_valid(yaml.safe_load(text))
