"""The JSON Schema agrees with the parser, as far as a schema can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.dag.language.fields.table import DAG_FIELDS, TASK_FIELDS
from chalicelib.dag.language.json_schema import json_schema
from chalicelib.dag.language.parser import DagFileError, parse
from chalicelib.dag_files import is_dag_file

EXAMPLES = Path(__file__).parents[3] / "examples"
DAG_FILES = [path for path in EXAMPLES.glob("*.y*ml") if is_dag_file(path.name)]
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
        "run: python -m chalicelib.dag.language.json_schema > examples/dag.schema.json"
    )


def test_every_key_has_a_description() -> None:
    task = SCHEMA["$defs"]["task"]["properties"]

    assert set(SCHEMA["properties"]) == {name for f in DAG_FIELDS for name in f.names}
    assert set(task) == {name for f in TASK_FIELDS for name in f.names}
    assert all(len(p["description"]) > 10 for p in [*task.values(), *SCHEMA["properties"].values()])


def test_the_examples_keep_to_the_schema() -> None:
    for path in DAG_FILES:
        VALIDATOR.validate(yaml.load(path.read_text(encoding="utf-8"), EditorLoader))


def test_the_examples_are_dags() -> None:
    sources = {path.name: path.read_bytes() for path in DAG_FILES}

    assert parse(sources.pop("sample_dag.yaml")).dag_id == "sample_dag"
    assert all(parse(source, file_name=name).tasks for name, source in sources.items())


@pytest.mark.parametrize(
    "change",
    [
        {"naem": "x"},
        {"catchup": "yes"},
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
        {"tasks": [TASK | {"when": " "}]},
        {"tasks": [TASK | {"command": " "}]},
        {"tasks": [TASK | {"retries": -1}]},
        {"tasks": [TASK | {"retry_delay": "soon"}]},
        {"tasks": [TASK | {"timeout": 0}]},
        {"tasks": [TASK | {"trigger_rule": "most_done"}]},
        {"overlap_policy": "wait"},
        {"retention_days": 0},
        {"params": {"a-b": 1}},
        {"params": ["a"]},
        {"params": {"a": {"typ": "string"}}},
        {"params": {"a": {"type": "text"}}},
        {"params": {"a": {"minimum": "1"}}},
        {"secrets": {"A": "hunter2"}},
        {"secrets": {"DS": "ssm:/a"}},
        {"on_success": [{"mail": "a"}]},
        {"on_success": [{"sns": "a", "webhook": "b"}]},
        {"on_failure": [{"webhook": "ftp://a"}]},
        {"on_failure": {"sns": "arn:aws:sns:eu-west-1:123456789012:a"}},
        {"default_args": {"id": "a"}},
        {"default_args": {"retries": "many"}},
        {"tasks": [TASK | {"retry_exponential_backoff": 0.5}]},
        {"tasks": [TASK | {"skip_on_exit_code": 0}]},
        {"tasks": [TASK | {"skip_on_exit_code": [256]}]},
        {"tasks": [TASK | {"outputs": ["a-b"]}]},
        {"tasks": [TASK | {"expand": {"N": []}}]},
        {"tasks": [TASK | {"expand": {"N": "a"}}]},
        {"tasks": [TASK | {"expand": {}}]},
        {"tasks": [TASK | {"sensor": True}]},
        {"tasks": [TASK | {"sensor": {"poke": 1}}]},
        {"tasks": [TASK | {"pool": "a b"}]},
        {"tasks": [TASK | {"conf": [1]}]},
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


BOOLS = ("catchup", "depends_on_past", "wait_for_completion")
NUMBERS = ("retries", "retention_days", "pool_slots", "priority_weight")


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
        "trigger_rule": ["all_success", "one_done"],
        "catchup_window": ["2d"],
        "overlap_policy": ["skip"],
        "dagrun_timeout": ["1h", 90],
        "params": [{"a": 1, "b": {"type": "string", "default": 1.5}, "c": None}, {}],
        "secrets": [{"S": "ssm:/a/b", "T": "secretsmanager:a", "U": "env:B"}],
        "default_args": [{"retries": 2, "pool": "a"}, {"trigger_dag_id": "x"}, {}],
        "retry_exponential_backoff": [True, 0, 2, 1.5],
        "max_retry_delay": ["1h"],
        "retry_exit_codes": [75, [75, 76]],
        "skip_on_exit_code": [99, [], [99]],
        "outputs": ["rows", ["rows", "path"], []],
        "expand": [{"N": [1, "a", None]}, {"N": "{{ params.a }}"}],
        "sensor": [{}, {"poke_interval": 5, "soft_fail": True}],
        "conf": [{"a": [1, None], "b": "{{ ds }}"}, {}],
        "on_success": [[{"webhook": "https://example.org/a"}], []],
        "on_failure": [[{"sns": "arn:aws:sns:eu-west-1:123456789012:a"}]],
        "on_retry": [[{"command": "true"}]],
        **{key: [True, False] for key in BOOLS},
    }
    numbers = name.startswith("max_") or name in NUMBERS
    numbers = numbers and name != "max_retry_delay"
    good = st.sampled_from([1, 7] if numbers else right.get(name, ["some text", 7, True]))
    return st.one_of(good, good, good, VALUES) if name != "dag_id" else st.just("x")


def mappings(fields: Any, always: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    known = {f.name: usual(f.name) for f in fields if f.name != "tasks"}
    required = {name: known.pop(name) for name in always}
    return st.fixed_dictionaries(required, optional=known)


def few_of(fields: Any, always: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw few keys, because many exclude each other."""

    def thinned(whole: dict[str, Any], kept: set[str]) -> dict[str, Any]:
        return {name: value for name, value in whole.items() if name in kept or name in always}

    names = st.sets(st.sampled_from([field.name for field in fields]), max_size=4)
    return st.builds(thinned, mappings(fields, always), names)


TASKS = st.one_of(
    few_of(TASK_FIELDS, ["id", "command"]),
    few_of(TASK_FIELDS, ["id", "command", "retries", "expand", "pool"]),
    few_of(TASK_FIELDS, ["id", "trigger_dag_id"]),
)
DOCUMENTS = st.builds(
    lambda dag, tasks: dag | {"tasks": tasks},
    few_of(DAG_FIELDS, ["name", "params"]),
    st.one_of(st.lists(TASKS, min_size=1, max_size=1), st.lists(TASKS, max_size=2), VALUES),
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
