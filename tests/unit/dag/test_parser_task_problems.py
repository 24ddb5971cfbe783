"""Problems of tasks and of the whole file: the position and the message of each."""

from __future__ import annotations

import pytest

from chalicelib.dag.language.parser import DagFileError, parse
from chalicelib.dag.problems import MAX_PROBLEMS, Problem

TASK = "tasks: [{id: a, command: b}]\n"
DURATION_HELP = (
    "write a number of seconds, or text such as 30s, 5m, 1h30m or 2d with the largest unit first"
)


def problems_of(source: str) -> tuple[Problem, ...]:
    with pytest.raises(DagFileError) as caught:
        parse(source.encode())
    return caught.value.problems


# One line of the only task, in line 5.
TASK_LINES = [
    (
        "dependecies: []",
        3,
        "dependecies",
        "unknown key 'dependecies'; did you mean 'dependencies'?",
    ),
    (
        "xyzzy: x",
        3,
        "xyzzy",
        "unknown key 'xyzzy'; known keys: id, command, dependencies, group, trigger_rule, when, "
        "retries, retry_delay, retry_exponential_backoff, max_retry_delay, retry_exit_codes, "
        "skip_on_exit_code, execution_timeout, env, cwd, outputs, artifacts, inputs, expand, "
        "max_active_tis_per_dagrun, sensor, pool, pool_slots, image, memory, cpu, queue, "
        "priority_weight, depends_on_past, trigger_dag_id, conf, wait_for_completion, on_retry, "
        "on_success, on_failure",
    ),
    ("task_id: b", 3, "task_id", "task_id and id mean the same thing: keep one of them"),
    (
        "dependencies: {b: c}",
        17,
        "dependencies",
        "expected a list such as [one, two], found a mapping",
    ),
    ("dependencies: aa", 17, "dependencies", "there is no task 'aa'; did you mean 'a'?"),
    ("dependencies: [zzz]", 18, "dependencies[0]", "there is no task 'zzz'"),
    ("dependencies: a", 17, "dependencies", "dependency cycle: a -> a"),
    (
        "trigger_rule: allsuccess",
        17,
        "trigger_rule",
        "unknown trigger rule 'allsuccess'; did you mean 'all_success'?",
    ),
    (
        "trigger_rule: x",
        17,
        "trigger_rule",
        "unknown trigger rule 'x'; choose from all_success, all_failed, all_done, "
        "all_skipped, one_success, one_failed, one_done, none_failed, "
        "none_failed_min_one_success, none_skipped, always",
    ),
    ("retries: -1", 12, "retries", "retries must be from 0 to 1000, not -1"),
    ("retries: many", 12, "retries", "expected a whole number, found 'many'"),
    ("retries: [1]", 12, "retries", "expected a whole number, found a list"),
    ("retry_delay: 1:30", 16, "retry_delay", f"'1:30' is not a duration: {DURATION_HELP}"),
    ("retry_delay: -5", 16, "retry_delay", f"'-5' is not a duration: {DURATION_HELP}"),
    (
        "retry_delay: 8d",
        16,
        "retry_delay",
        "retry_delay must be at least 0s and at most 7d, not 8d",
    ),
    (
        "timeout: 0",
        12,
        "timeout",
        "execution_timeout must be more than 0s and at most 14d, not 0",
    ),
    ("cwd: ' '", 8, "cwd", "cwd must be one line of 1 to 200 characters"),
]


@pytest.mark.parametrize(("line", "column", "path", "message"), TASK_LINES)
def test_a_problem_of_a_task_is_reported_at_its_position(
    line: str, column: int, path: str, message: str
) -> None:
    source = f"name: x\ntasks:\n- id: a\n  command: b\n  {line}\n"

    assert problems_of(source) == (Problem(5, column, f"tasks[0].{path}", message),)


COMMANDS = [
    ("command: ' '", 12, "the command is empty"),
    ("command: [a, b]", 12, "expected a command (write several lines after a |), found a list"),
    ('command: "a\\0"', 12, "text must not contain a NUL character"),
    (
        f"command: {'é' * 32769}",
        12,
        "the command has 65538 bytes; at most 65536 are allowed: move the script to a file",
    ),
    (
        f'command: "{chr(92)}x01{chr(92).join(["x01"] * 40_001)}"',
        12,
        "command and env are too long together: move the script to a file",
    ),
]


@pytest.mark.parametrize(("line", "column", "message"), COMMANDS)
def test_a_command_must_be_text_that_a_shell_can_be_given(
    line: str, column: int, message: str
) -> None:
    problem = Problem(4, column, "tasks[0].command", message)

    assert problems_of(f"name: x\ntasks:\n- id: a\n  {line}\n") == (problem,)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "a",
            Problem(
                1, 1, "", "a DAG file is a mapping that begins with a line such as name: My DAG"
            ),
        ),
        (TASK, Problem(1, 1, "", "name is required but missing")),
        ("name: x", Problem(1, 1, "", "tasks is required but missing")),
        ("name:\n" + TASK, Problem(1, 6, "name", "name is required but has no value")),
        (
            "name: x\ntasks: []",
            Problem(
                2, 8, "tasks", "expected a list of at least one task, each with an id and a command"
            ),
        ),
        (
            "name: x\ntasks: {a: b}",
            Problem(
                2, 8, "tasks", "expected a list of at least one task, each with an id and a command"
            ),
        ),
        ("name: x\ntasks:", Problem(2, 7, "tasks", "tasks is required but has no value")),
        (
            "name: x\ntasks: [a]",
            Problem(2, 9, "tasks[0]", "expected a task: a mapping with an id and a command"),
        ),
        (
            "name: x\ntasks: [{command: a}]",
            Problem(2, 9, "tasks[0]", "id is required but missing"),
        ),
        (
            "name: x\ntasks: [{id: a}]",
            Problem(2, 9, "tasks[0]", "a task needs a command or a trigger_dag_id"),
        ),
        (
            "name: x\ntasks: [{id: null, command: a}]",
            Problem(2, 14, "tasks[0].id", "id is required but has no value"),
        ),
        (
            "name: 東京\n" + TASK,
            Problem(1, 7, "name", "no id can be derived from the name '東京': set dag_id"),
        ),
        (
            "name: '!!!'\n" + TASK,
            Problem(1, 7, "name", "no id can be derived from the name '!!!': set dag_id"),
        ),
        (
            f"name: {'a' * 101}\n" + TASK,
            Problem(1, 7, "name", f"no id can be derived from the name '{'a' * 60}…': set dag_id"),
        ),
        (
            "name: x\nstart_date: 2026-01-02\nend_date: 2026-01-01\n" + TASK,
            Problem(3, 11, "end_date", "end_date is before start_date"),
        ),
    ],
)
def test_a_dag_needs_its_parts(source: str, expected: Problem) -> None:
    assert problems_of(source) == (expected,)


def test_two_tasks_cannot_share_an_id() -> None:
    source = "name: x\ntasks:\n- {id: a, command: b}\n- {task_id: a, command: b}\n"
    message = "the id 'a' is taken by the task on line 3"

    assert problems_of(source) == (Problem(4, 13, "tasks[1].task_id", message),)


def test_too_many_tasks_are_counted() -> None:
    tasks = "".join(f"- {{id: t{i}, command: a}}\n" for i in range(1001))
    message = "1001 tasks; a DAG can have at most 1000"

    assert problems_of(f"name: x\ntasks:\n{tasks}") == (Problem(3, 1, "tasks", message),)


def test_the_env_of_dag_and_task_together_is_limited() -> None:
    big = "a" * 20_000
    source = f"name: x\nenv: {{A: {big}}}\ntasks:\n- {{id: a, command: b, env: {{B: {big}}}}}\n"
    message = "env and the DAG's env have 40006 bytes; at most 32768 are allowed"

    assert problems_of(source) == (Problem(4, 28, "tasks[0].env", message),)


def test_each_cycle_names_its_path() -> None:
    found = problems_of(
        "name: x\ntasks:\n"
        "- {id: a, command: x, dependencies: [c]}\n"
        "- {id: b, command: x, dependencies: [a]}\n"
        "- {id: c, command: x, dependencies: [b]}\n"
        "- {id: behind, command: x, dependencies: [a]}\n"
        "- {id: p, command: x, dependencies: [q]}\n"
        "- {id: q, command: x, dependencies: [p]}\n"
    )

    assert [(p.line, p.column, p.path, p.message) for p in found] == [
        (3, 37, "tasks[0].dependencies", "dependency cycle: a -> c -> b -> a"),
        (7, 37, "tasks[4].dependencies", "dependency cycle: p -> q -> p"),
    ]


def test_all_problems_are_reported_together_in_the_order_of_the_file() -> None:
    found = problems_of(
        "tasks:\n- {id: a, command: '', dependencies: [b]}\n- {id: a, retries: x}\n"
        "name: x\nownr: me\n"
    )

    assert [(p.line, p.column, p.path) for p in found] == [
        (2, 20, "tasks[0].command"),
        (2, 39, "tasks[0].dependencies[0]"),
        (3, 3, "tasks[1]"),
        (3, 8, "tasks[1].id"),
        (3, 20, "tasks[1].retries"),
        (5, 1, "ownr"),
    ]


def test_a_problem_repeated_by_an_alias_is_reported_once() -> None:
    source = "name: x\ntasks:\n- &a {id: a, command: b, retries: x}\n- {<<: *a, id: b}\n"

    assert [(p.line, p.column) for p in problems_of(source)] == [(3, 35)]


def test_a_file_with_too_many_problems_is_cut_short_with_a_count() -> None:
    found = problems_of(f"name: x\n{TASK}" + "".join(f"k{i}: 1\n" for i in range(5000)))

    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].message == "4900 more problems from here on are not shown"
    assert found[-1].line == 103


def test_the_error_has_every_problem_in_its_message_and_details() -> None:
    with pytest.raises(DagFileError) as caught:
        parse(f"name: x\nownr: me\n{TASK}".encode(), file_name="my.yaml")

    message = "unknown key 'ownr'; did you mean 'owner'?"
    assert str(caught.value) == f"my.yaml: line 2, column 1: {message}"
    assert caught.value.details == {
        "problems": [{"line": 2, "column": 1, "path": "ownr", "message": message}]
    }
    assert (caught.value.status, caught.value.code) == (422, "invalid_dag")
