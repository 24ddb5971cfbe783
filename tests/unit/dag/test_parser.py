"""What a DAG file means."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from chalicelib.dag.language.parser import parse
from chalicelib.dag.model import Dag, Task
from chalicelib.dag.schedule.fire_times import next_fire_time, previous_fire_time

SAMPLE = b"""\
name: Sample DAG
schedule: "0 * * * *"  # Every hour
tasks:
  - id: task1
    command: "echo 'Task 1'"
    dependencies: []
  - id: task2
    command: "echo 'Task 2'"
    dependencies: [task1]
"""

EVERYTHING = b"""\
name: Nightly report
dag_id: nightly.report-1
description: Adds up the day.
doc_md: |
  # How
  It adds.
owner: data team
tags: [sales, 2026]
schedule: ["0 3 * * *", "@every 1h30m"]
timezone: Europe/Berlin
start_date: 2026-01-01
end_date: 2026-12-31
env: {REGION: eu, RATE: 1.10, FAST: true}
is_paused_upon_creation: true
max_active_runs: 1
max_active_tasks: 4
tasks:
  - task_id: load
    bash_command: cat in.csv
    retries: 2
    retry_delay: 30s
    timeout: 1h
    env: {REGION: us}
    cwd: /tmp
    trigger_rule: all_success
  - {id: report, command: "true", dependencies: load}
"""


def dag_with(lines: str) -> Dag:
    return parse(f"name: x\n{lines}\ntasks: [{{id: a, command: 'true'}}]\n".encode())


def task_with(lines: str) -> Task:
    return parse(f"name: x\ntasks:\n- id: a\n  command: 'true'\n  {lines}\n".encode()).tasks[0]


def test_the_sample_is_a_dag_of_two_tasks() -> None:
    assert parse(SAMPLE) == Dag(
        dag_id="sample_dag",
        name="Sample DAG",
        schedule=("0 * * * *",),
        tasks=(
            Task("task1", "echo 'Task 1'"),
            Task("task2", "echo 'Task 2'", dependencies=("task1",)),
        ),
    )


def test_every_field_reaches_the_model() -> None:
    assert parse(EVERYTHING) == Dag(
        dag_id="nightly.report-1",
        name="Nightly report",
        description="Adds up the day.",
        doc_md="# How\nIt adds.\n",
        owner="data team",
        tags=("sales", "2026"),
        schedule=("0 3 * * *", "@every 1h30m"),
        timezone="Europe/Berlin",
        start_date="2026-01-01T00:00:00+01:00",
        end_date="2026-12-31T23:59:59.999999+01:00",
        env={"REGION": "eu", "RATE": "1.10", "FAST": "true"},
        is_paused_upon_creation=True,
        max_active_runs=1,
        max_active_tasks=4,
        tasks=(
            Task(
                "load",
                "cat in.csv",
                retries=2,
                retry_delay=30.0,
                execution_timeout=3600.0,
                env={"REGION": "us"},
                cwd="/tmp",
            ),
            Task("report", "true", dependencies=("load",)),
        ),
    )


@pytest.mark.parametrize("source", [SAMPLE, EVERYTHING])
def test_a_dag_survives_json(source: bytes) -> None:
    dag = parse(source)

    assert Dag.from_json(json.loads(json.dumps(dag.to_json()))) == dag


def test_definitions_compiled_by_newer_code_can_be_read() -> None:
    compiled = parse(SAMPLE).to_json()
    compiled["invented_later"] = 1
    compiled["tasks"][0]["also_later"] = 2

    assert Dag.from_json(compiled) == parse(SAMPLE)


@pytest.mark.parametrize(
    ("name", "dag_id"),
    [
        ("Sample DAG", "sample_dag"),
        ("ETL: orders -> db (v2)", "etl_orders_db_v2_"),
        ("a__b", "a_b"),
        ("Café", "cafe"),
        ("2026", "2026"),
    ],
)
def test_the_id_comes_from_the_name(name: str, dag_id: str) -> None:
    source = f"name: '{name}'\ntasks: [{{id: a, command: b}}]".encode()

    assert parse(source).dag_id == dag_id


@pytest.mark.parametrize("word", ["on", "no", "2026", "1.10", "1:30", "2026-01-01", "0x1F", "true"])
def test_text_is_kept_as_written_whatever_yaml_makes_of_it(word: str) -> None:
    dag = parse(
        f"name: {word}\nowner: {word}\ntags: [{word}]\ndag_id: a\nenv: {{V: {word}}}\n"
        f"tasks: [{{id: a, command: {word}}}]".encode()
    )

    assert (dag.name, dag.owner, dag.tags, dag.env) == (word, word, (word,), {"V": word})
    assert dag.tasks[0].command == word


@pytest.mark.parametrize("word", ["on", "no", "2026", "1.10", "y"])
def test_ids_are_kept_as_written(word: str) -> None:
    dag = parse(
        f"name: x\ntasks:\n- {{id: {word}, command: a}}\n"
        f"- {{id: b, command: a, dependencies: {word}}}".encode()
    )

    assert [task.id for task in dag.tasks] == [word, "b"]
    assert dag.tasks[1].dependencies == (word,)


@pytest.mark.parametrize("empty", ["", "null", "~"])
@pytest.mark.parametrize("key", ["dag_id", "owner", "tags", "schedule", "env", "max_active_runs"])
def test_null_means_that_the_field_is_left_out(key: str, empty: str) -> None:
    assert dag_with(f"{key}: {empty}") == dag_with("")


@pytest.mark.parametrize("written", ["true", "True", "TRUE"])
def test_true_is_read_in_yamls_three_spellings(written: str) -> None:
    assert dag_with(f"is_paused_upon_creation: {written}").is_paused_upon_creation


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", 90.0), ("0.5", 0.5), ("'90'", 90.0), ("1h30m", 5400.0), ("2d", 172800.0), ("0", 0.0)],
)
def test_a_duration_is_seconds_or_text_with_units(written: str, seconds: float) -> None:
    assert task_with(f"retry_delay: {written}").retry_delay == seconds


def test_a_schedule_may_be_one_expression_or_a_list() -> None:
    assert dag_with("schedule: '@daily'").schedule == ("@daily",)
    assert dag_with("schedule: ['@daily', '@every 10s']").schedule == ("@daily", "@every 10s")


def test_spaces_in_a_schedule_do_not_matter() -> None:
    assert dag_with("schedule: ' 0  3 * *\t*'").schedule == ("0 3 * * *",)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-07-01", "2026-07-01T00:00:00+02:00"),
        ("2026-07-01T08:30", "2026-07-01T08:30:00+02:00"),
        ("2026-07-01 08:30:00", "2026-07-01T08:30:00+02:00"),
        ("2026-07-01T08:30:00Z", "2026-07-01T10:30:00+02:00"),
        ("2026-07-01 08:30:00 -05:00", "2026-07-01T15:30:00+02:00"),
        ("'2026-03-29T02:30:00'", "2026-03-29T03:30:00+02:00"),
    ],
)
def test_a_date_without_an_offset_is_local_time(written: str, stored: str) -> None:
    assert dag_with(f"timezone: Europe/Berlin\nstart_date: {written}").start_date == stored


def test_an_end_date_without_a_time_includes_its_day() -> None:
    assert dag_with("end_date: 2026-07-01").end_date == "2026-07-01T23:59:59.999999+00:00"
    assert dag_with("end_date: 2026-07-01T12:00").end_date == "2026-07-01T12:00:00+00:00"


def test_the_last_day_of_the_calendar_means_never() -> None:
    for zone in ("UTC", "Asia/Kathmandu", "America/New_York"):
        dag = dag_with(f"schedule: '@daily'\ntimezone: {zone}\nend_date: 9999-12-31")
        now = datetime(2026, 11, 23, tzinfo=UTC)

        assert dag.end_date is not None
        assert dag.end_date.startswith("9999-12-31T23:59:59.999999")
        assert next_fire_time(dag, now) is not None
        assert previous_fire_time(dag, now) is not None


def test_tasks_come_out_in_topological_order() -> None:
    dag = parse(
        b"name: x\ntasks:\n"
        b"- {id: last, command: a, dependencies: [one, two]}\n"
        b"- {id: two, command: a, dependencies: one}\n"
        b"- {id: one, command: a}\n"
        b"- {id: alone, command: a}\n"
    )

    assert [task.id for task in dag.tasks] == ["one", "two", "last", "alone"]


def test_aliases_and_merge_keys_share_what_tasks_have_in_common() -> None:
    dag = parse(
        b"name: x\ntasks:\n"
        b"- &first {id: a, command: a, retries: 3, env: &env {A: 1}}\n"
        b"- {<<: *first, id: b, retries: 1}\n"
        b"- {<<: [{cwd: /}, *first], id: c, env: {<<: *env, B: 2}}\n"
    )

    assert [(t.id, t.retries, t.cwd, t.env) for t in dag.tasks] == [
        ("a", 3, None, {"A": "1"}),
        ("b", 1, None, {"A": "1"}),
        ("c", 3, "/", {"B": "2", "A": "1"}),
    ]


def test_shell_text_is_kept_unchanged() -> None:
    command = "for i in ${#a[@]}; do echo {%s} {a,{b,c}} | tee $HOME/x; done # ${Y:-1}"
    source = f"name: x\ntasks:\n- id: a\n  command: |\n    {command}\n".encode()

    assert parse(source).tasks[0].command == command + "\n"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    source = b"\xef\xbb\xbf" + SAMPLE.replace(b"\n", b"\r\n")

    assert parse(source) == parse(SAMPLE)


def test_a_dag_may_have_a_thousand_tasks() -> None:
    lines = [f"- {{id: t{i}, command: a, dependencies: [t{i + 1}]}}\n" for i in range(999)]
    source = "name: x\ntasks:\n" + "".join(lines) + "- {id: t999, command: a}\n"

    assert [t.id for t in parse(source.encode()).tasks] == [f"t{i}" for i in range(999, -1, -1)]


def test_a_task_is_found_by_its_id() -> None:
    dag = parse(SAMPLE)

    assert dag.task("task2").dependencies == ("task1",)
    with pytest.raises(KeyError):
        dag.task("task3")
