"""The JSON Schema says what the parser says, as far as a schema can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.dag.fields import DAG_FIELDS, TASK_FIELDS
from chalicelib.dag.parser import DagFileError, parse
from chalicelib.dag.schema import json_schema

EXAMPLES = Path(__file__).parents[3] / "examples"
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
TASK = {"id": "a", "command": "true"}


class EditorLoader(yaml.SafeLoader):
    """Leaves dates as texts, as the YAML 1.2 of editors does."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_file_for_editors_is_current() -> None:
    written = (EXAMPLES / "dag.schema.json").read_text(encoding="utf-8")

    assert json.loads(written) == json.loads(json.dumps(SCHEMA)), (
        "run: python -m chalicelib.dag.schema > examples/dag.schema.json"
    )


def test_every_word_has_a_description() -> None:
    task = SCHEMA["$defs"]["task"]["properties"]

    assert set(SCHEMA["properties"]) == {name for f in DAG_FIELDS for name in f.names}
    assert set(task) == {name for f in TASK_FIELDS for name in f.names}
    assert all(len(p["description"]) > 10 for p in [*task.values(), *SCHEMA["properties"].values()])


def test_the_examples_keep_to_the_schema() -> None:
    for path in EXAMPLES.glob("*.y*ml"):
        VALIDATOR.validate(yaml.load(path.read_text(encoding="utf-8"), EditorLoader))


def test_the_examples_are_dags() -> None:
    sources = {path.name: path.read_bytes() for path in EXAMPLES.glob("*.y*ml")}

    assert parse(sources.pop("sample_dag.yaml")).dag_id == "sample_dag"
    assert all(parse(source, file_name=name).tasks for name, source in sources.items())


@pytest.mark.parametrize(
    "change",
    [
        {"naem": "x"},
        {"catchup": True},
        {"name": None},
        {"name": ["x"]},
        {"dag_id": "a b"},
        {"tags": "x"},
        {"tags": [None]},
        {"schedule": {"cron": "x"}},
        {"schedule": 5},
        {"timezone": 1},
        {"start_date": "soon"},
        {"env": {"A-B": "x"}},
        {"env": {"RUN_ID": "x"}},
        {"env": {"PARAM_X": "x"}},
        {"env": {"A": None}},
        {"env": ["A"]},
        {"max_active_runs": 0},
        {"max_active_runs": "3"},
        {"max_active_tasks": 1.5},
        {"is_paused_upon_creation": "yes"},
        {"tasks": None},
        {"tasks": []},
        {"tasks": [{"id": "a"}]},
        {"tasks": [{"command": "a"}]},
        {"tasks": [TASK | {"task_id": "b"}]},
        {"tasks": [TASK | {"timeout": 5, "execution_timeout": 5}]},
        {"tasks": [TASK | {"when": "x"}]},
        {"tasks": [TASK | {"command": " "}]},
        {"tasks": [TASK | {"retries": -1}]},
        {"tasks": [TASK | {"retry_delay": "soon"}]},
        {"tasks": [TASK | {"timeout": 0}]},
        {"tasks": [TASK | {"trigger_rule": "all_done"}]},
        {"tasks": [TASK | {"dependencies": {"a": 1}}]},
    ],
)
def test_wrong_keys_and_types_are_refused_by_both(change: dict[str, Any]) -> None:
    document = {"name": "x", "tasks": [TASK]} | change

    assert not VALIDATOR.is_valid(document)
    with pytest.raises(DagFileError):
        parse(json.dumps(document).encode())


WORDS = st.sampled_from(
    [
        "a",
        "b",
        "x y",
        "",
        "null",
        "5",
        "5m",
        "1:30",
        "@daily",
        "0 * * * *",
        "UTC",
        "2026-01-01",
        "all_success",
        "A_B",
        "true",
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 20_000), st.sampled_from([0.5, 1.0, 90.0]), WORDS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=5,
)


def usual(name: str) -> st.SearchStrategy[Any]:
    """Mostly values that are right for the field, so that many documents are valid."""
    right: dict[str, list[Any]] = {
        "id": ["a", "b", "c.d", 5],
        "tags": [["a", 1.0], []],
        "schedule": ["@daily", ["0 * * * *", "@every 5s"], None],
        "timezone": ["UTC", "Asia/Kathmandu"],
        "start_date": ["2026-01-01", "2026-01-01T10:00"],
        "end_date": ["2026-01-02", "2026-01-02 10:00:00Z"],
        "env": [{"A": 1, "B_2": True, "C": ""}, {}],
        "is_paused_upon_creation": [True, False],
        "dependencies": [[], None],
        "retry_delay": [5, 1.5, "1h30m"],
        "execution_timeout": [5, 0.5, "2h"],
        "trigger_rule": ["all_success"],
    }
    numbers = name.startswith("max_") or name == "retries"
    good = st.sampled_from([1, 7] if numbers else right.get(name, ["some text", 7, True]))
    return st.one_of(good, good, good, VALUES) if name != "dag_id" else st.just("x")


def mappings(fields: Any, always: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    known = {f.name: usual(f.name) for f in fields if f.name != "tasks"}
    required = {name: known.pop(name) for name in always}
    return st.fixed_dictionaries(required, optional=known)


TASKS = mappings(TASK_FIELDS, ["id", "command"])
DOCUMENTS = st.builds(
    lambda dag, tasks: dag | {"tasks": tasks},
    mappings(DAG_FIELDS, ["name"]),
    st.one_of(st.lists(TASKS, min_size=1, max_size=2), VALUES),
)


@settings(max_examples=400, deadline=None)
@given(DOCUMENTS)
def test_whatever_the_parser_accepts_the_schema_accepts(document: dict[str, Any]) -> None:
    # JSON is YAML, so one text serves both.
    try:
        parse(json.dumps(document).encode())
    except DagFileError:
        return
    VALIDATOR.validate(document)
