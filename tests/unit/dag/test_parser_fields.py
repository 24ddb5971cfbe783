"""Every key of a DAG file: what the parser makes of it, and how defaults apply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.dag.language.parser import parse
from chalicelib.dag.model import Dag, NotificationTarget, Param, Sensor, Task

WHOLE = b"""\
name: Whole language
schedule: "@daily"
catchup: true
catchup_window: 2d
overlap_policy: replace
dagrun_timeout: 1h
max_consecutive_failed_dag_runs: 3
retention_days: 30
params:
  rows: 10
  kind: {type: string, enum: [full, part], default: full, description: How much}
  day: "{{ ds }}"
secrets: {TOKEN: "ssm:/prod/token", PASSWORD: "secretsmanager:db", KEY: "env:OTHER_KEY"}
on_success: [{sns: "arn:aws:sns:eu-central-1:123456789012:done"}]
on_failure:
  - webhook: https://example.org/hook?a=1
  - command: echo "$DAG_ID failed" >&2
tasks:
  - id: load
    command: echo "rows={{ params.rows }}" >> "$DAG_OUTPUT"
    when: test {{ params.kind }} = full
    outputs: [rows, files]
    retries: 3
    retry_exponential_backoff: true
    max_retry_delay: 1h
    retry_exit_codes: 75
    skip_on_exit_code: [99, 100]
    pool: db
    pool_slots: 2
    priority_weight: 5
    depends_on_past: true
    on_retry: [{command: "true"}]
    on_failure: [{webhook: "http://example.org"}]
  - id: each
    command: process "$FILE" "$MODE"
    dependencies: load
    trigger_rule: none_failed
    expand: {FILE: "{{ outputs.load.files }}", MODE: [1, true, null, {a: [1.5]}]}
    max_active_tis_per_dagrun: 2
  - id: wait
    command: test -e /tmp/x
    sensor: {poke_interval: 30s, timeout: 2h, soft_fail: true}
  - id: next
    trigger_dag_id: other
    conf: {rows: "{{ outputs.load.rows }}", list: [1, "x"], none: null}
    wait_for_completion: true
    dependencies: [load]
"""


def test_every_key_reaches_the_model() -> None:
    dag = parse(WHOLE)
    load, each, wait, after = (dag.task(name) for name in ("load", "each", "wait", "next"))

    assert (dag.catchup, dag.catchup_window, dag.overlap_policy) == (True, 172800.0, "replace")
    assert (dag.dagrun_timeout, dag.max_consecutive_failed_dag_runs) == (3600.0, 3)
    assert dag.retention_days == 30
    assert dag.params == (
        Param("rows", "integer", 10),
        Param("kind", "string", "full", "How much", enum=("full", "part")),
        Param("day", None, "{{ ds }}"),
    )
    assert dag.secrets == {
        "TOKEN": "ssm:/prod/token",
        "PASSWORD": "secretsmanager:db",
        "KEY": "env:OTHER_KEY",
    }
    assert dag.on_success == (
        NotificationTarget("sns", "arn:aws:sns:eu-central-1:123456789012:done"),
    )
    assert dag.on_failure == (
        NotificationTarget("webhook", "https://example.org/hook?a=1"),
        NotificationTarget("command", 'echo "$DAG_ID failed" >&2'),
    )
    assert load == Task(
        "load",
        'echo "rows={{ params.rows }}" >> "$DAG_OUTPUT"',
        when="test {{ params.kind }} = full",
        outputs=("rows", "files"),
        retries=3,
        retry_exponential_backoff=2.0,
        max_retry_delay=3600.0,
        retry_exit_codes=(75,),
        skip_on_exit_code=(99, 100),
        pool="db",
        pool_slots=2,
        priority_weight=5,
        depends_on_past=True,
        on_retry=(NotificationTarget("command", "true"),),
        on_failure=(NotificationTarget("webhook", "http://example.org"),),
    )
    assert each.expand == {
        "FILE": "{{ outputs.load.files }}",
        "MODE": [1, True, None, {"a": [1.5]}],
    }
    assert (each.max_active_tis_per_dagrun, each.trigger_rule) == (2, "none_failed")
    assert wait.sensor == Sensor(30.0, 7200.0, soft_fail=True)
    assert after == Task(
        "next",
        "",
        ("load",),
        trigger_dag_id="other",
        conf={"rows": "{{ outputs.load.rows }}", "list": [1, "x"], "none": None},
        wait_for_completion=True,
    )


def test_every_key_survives_json() -> None:
    dag = parse(WHOLE)

    assert Dag.from_json(json.loads(json.dumps(dag.to_json()))) == dag


def test_definitions_compiled_by_older_code_can_be_read() -> None:
    old = {"dag_id": "d", "name": "d", "tasks": [{"id": "a", "command": "b", "retries": 1}]}

    assert Dag.from_json(old) == Dag("d", "d", (Task("a", "b", retries=1),))


def tasks_of(source: str) -> dict[str, Task]:
    return {task.id: task for task in parse(f"name: x\n{source}".encode()).tasks}


def test_default_args_apply_to_keys_that_a_task_leaves_out() -> None:
    tasks = tasks_of(
        "default_args: {retries: 2, retry_delay: 1m, env: {A: 1}, trigger_rule: all_done}\n"
        "tasks:\n"
        "- {id: a, command: x}\n"
        "- {id: b, command: x, retries: 0, env: {B: 2}}\n"
        "- {id: c, command: x, retries: null}\n"
    )

    assert tasks["a"] == Task(
        "a", "x", retries=2, retry_delay=60.0, env={"A": "1"}, trigger_rule="all_done"
    )
    assert (tasks["b"].retries, tasks["b"].env) == (0, {"B": "2"})
    assert tasks["c"].retries == 2


def test_defaults_without_effect_on_a_task_are_ignored() -> None:
    tasks = tasks_of(
        "default_args: {command: make, execution_timeout: 5m, pool: db, pool_slots: 2, retries: 1,"
        " retry_exit_codes: 75, on_retry: [{command: x}], wait_for_completion: true}\n"
        "tasks:\n"
        "- {id: a}\n"
        "- {id: b, trigger_dag_id: other}\n"
        "- {id: c, command: own, retries: 0}\n"
    )

    assert tasks["a"] == Task(
        "a",
        "make",
        execution_timeout=300.0,
        pool="db",
        pool_slots=2,
        retries=1,
        retry_exit_codes=(75,),
        on_retry=(NotificationTarget("command", "x"),),
    )
    assert tasks["b"] == Task(
        "b",
        trigger_dag_id="other",
        wait_for_completion=True,
        retries=1,
        on_retry=(NotificationTarget("command", "x"),),
    )
    assert tasks["c"] == Task("c", "own", execution_timeout=300.0, pool="db", pool_slots=2)


def test_a_default_dag_to_trigger_gives_way_to_a_command() -> None:
    tasks = tasks_of(
        "default_args: {trigger_dag_id: other, conf: {a: 1}}\n"
        "tasks: [{id: a, command: x}, {id: b}]\n"
    )

    assert tasks["a"] == Task("a", "x")
    assert tasks["b"] == Task("b", trigger_dag_id="other", conf={"a": 1})


@pytest.mark.parametrize(
    ("written", "factor"),
    [("true", 2.0), ("false", 0.0), ("0", 0.0), ("1.5", 1.5), ("3", 3.0)],
)
def test_backoff_is_a_number_or_a_boolean(written: str, factor: float) -> None:
    task = tasks_of(
        f"tasks: [{{id: a, command: x, retries: 1, retry_exponential_backoff: {written}}}]"
    )["a"]

    assert task.retry_exponential_backoff == factor


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("1.5", 1.5),
        ("1.0", 1.0),
        ("-0", "-0"),
        ("1e16", "1e16"),
        ("1e999", "1e999"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("9007199254740992", 9007199254740992),
        ("9007199254740993", "9007199254740993"),
        ("+5", "+5"),
        (".5", ".5"),
        ("5.", "5."),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("{a: [1.10, {b: 3.10}]}", {"a": ["1.10", {"b": "3.10"}]}),
        ("true", True),
        ("null", None),
        ("~", None),
        ("'1'", "1"),
        ("yes", "yes"),
        ("0x1F", "0x1F"),
        ("010", "010"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("{a: [b, 1]}", {"a": ["b", 1]}),
    ],
)
def test_a_value_spelled_as_in_json_is_json_else_text(written: str, value: Any) -> None:
    task = tasks_of(f"tasks: [{{id: a, trigger_dag_id: d, conf: {{v: {written}}}}}]")["a"]

    assert task.conf == {"v": value}


def test_outputs_of_all_upstream_tasks_can_be_used() -> None:
    tasks = tasks_of(
        "tasks:\n"
        "- {id: a, command: x, outputs: n}\n"
        "- {id: b, command: x, dependencies: a}\n"
        "- {id: c, command: 'echo {{ outputs.a.n }}', dependencies: b}\n"
    )

    assert tasks["c"].command == "echo {{ outputs.a.n }}"
