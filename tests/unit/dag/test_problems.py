"""Every problem: where it is, and the words that its author reads."""

from __future__ import annotations

import pytest

from chalicelib.dag.parser import DagFileError, parse
from chalicelib.dag.problems import MAX_PROBLEMS, Problem

TASK = "tasks: [{id: a, command: b}]\n"
DURATION_HELP = (
    "a duration is a number of seconds or text such as 30s, 5m, 1h30m or 2d, the largest unit first"
)
DATE_HELP = (
    "is no date from 1970 on: write 2026-01-31 or 2026-01-31T08:00:00, "
    "with or without an offset such as +01:00"
)
ID_HELP = (
    "is no id: use letters, digits, _, - and ., at most 100 of them, the first a letter, "
    "a digit or _"
)
SCHEDULE_HELP = (
    "is no schedule: write five cron fields (minute, hour, day, month, weekday), a sixth for "
    "seconds, or one of @hourly, @daily, @weekly, @monthly, @yearly, @every 10s"
)


def problems_of(source: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(DagFileError) as caught:
        parse(source.encode() if isinstance(source, str) else source)
    return caught.value.problems


# One line of the DAG each, in line 2: the column, the path and the message.
DAG_LINES = [
    ("dag_id: a/b", 9, "dag_id", f"'a/b' {ID_HELP}"),
    ("dag_id: -a", 9, "dag_id", f"'-a' {ID_HELP}"),
    (f"dag_id: {'a' * 101}", 9, "dag_id", f"'{'a' * 60}…' {ID_HELP}"),
    ("dag_id: [a]", 9, "dag_id", "expected an id, found a list"),
    ("owner: ''", 8, "owner", "owner must be one line of 1 to 200 characters"),
    ('owner: "a\\nb"', 8, "owner", "owner must be one line of 1 to 200 characters"),
    ("description: {a: b}", 14, "description", "expected text, found a mapping"),
    ('description: "a\\0b"', 14, "description", "text may not hold the character NUL"),
    ("tags: sales", 7, "tags", "expected a list such as [one, two], found text"),
    ("tags: [a, b, a]", 14, "tags[2]", "'a' is in this list twice"),
    ("tags: [a, null]", 11, "tags[1]", "expected text, found null"),
    ("tags: [a, [b]]", 11, "tags[1]", "expected text, found a list"),
    ("schedule: hourly", 11, "schedule", f"'hourly' {SCHEDULE_HELP}"),
    ("schedule: 60", 11, "schedule", f"'60' {SCHEDULE_HELP}"),
    ("schedule: '0 0 * * * * 2026'", 11, "schedule", f"'0 0 * * * * 2026' {SCHEDULE_HELP}"),
    (
        "schedule: ['0 * * * *', '0 24 * * *']",
        25,
        "schedule[1]",
        "the hour field '24' of the schedule is not valid: 0-23",
    ),
    (
        "schedule: '0 0 32 * *'",
        11,
        "schedule",
        "the day of the month field '32' of the schedule is not valid: 1-31",
    ),
    (
        "schedule: '0 0 * foo *'",
        11,
        "schedule",
        "the month field 'foo' of the schedule is not valid: 1-12 or jan-dec",
    ),
    (
        "schedule: '0 0 * * 8'",
        11,
        "schedule",
        "the day of the week field '8' of the schedule is not valid: 0-7 or sun-sat",
    ),
    (
        "schedule: '0 0 * * * 60'",
        11,
        "schedule",
        "the second field '60' of the schedule is not valid: 0-59",
    ),
    (
        "schedule: 'R * * * *'",
        11,
        "schedule",
        "the minute field 'R' of the schedule is not valid: 0-59",
    ),
    (
        "schedule: '0 0 30 2 *'",
        11,
        "schedule",
        "'0 0 30 2 *' never fires: there is no such day",
    ),
    (
        "schedule: '@reboot'",
        11,
        "schedule",
        "'@reboot' is not known; there are @hourly, @daily, @weekly, @monthly, @yearly, @every 10s",
    ),
    ("schedule: '@every'", 11, "schedule", f"'@every' has no duration: {DURATION_HELP}"),
    ("schedule: '@every day'", 11, "schedule", f"'@every day' has no duration: {DURATION_HELP}"),
    (
        "schedule: '@every 0.5s'",
        11,
        "schedule",
        "'@every 0.5s' is out of range: at least 1s, at most 366d",
    ),
    (
        "schedule: '@every 367d'",
        11,
        "schedule",
        "'@every 367d' is out of range: at least 1s, at most 366d",
    ),
    ("schedule: {a: b}", 11, "schedule", "expected a list such as [one, two], found a mapping"),
    (
        f"schedule: [{', '.join(['a'] * 21)}]".replace("a", "'@daily'"),
        11,
        "schedule",
        "21 schedules in one list; at most 20 are possible",
    ),
    (
        "timezone: Europe/Berlinn",
        11,
        "timezone",
        "'Europe/Berlinn' is no time zone of the IANA list; did you mean 'Europe/Berlin'?",
    ),
    (
        "timezone: utc+1",
        11,
        "timezone",
        "'utc+1' is no time zone of the IANA list; did you mean 'UTC'?",
    ),
    (
        "timezone: ../../etc/passwd",
        11,
        "timezone",
        "'../../etc/passwd' is no time zone of the IANA list; one is 'Europe/Berlin'",
    ),
    (
        "timezone: localtime",
        11,
        "timezone",
        "'localtime' is no time zone of the IANA list; one is 'Europe/Berlin'",
    ),
    ("start_date: tomorrow", 13, "start_date", f"'tomorrow' {DATE_HELP}"),
    ("start_date: 2026-02-30", 13, "start_date", f"'2026-02-30' {DATE_HELP}"),
    ("start_date: 20260101", 13, "start_date", f"'20260101' {DATE_HELP}"),
    ("start_date: 1969-12-31", 13, "start_date", f"'1969-12-31' {DATE_HELP}"),
    (
        "end_date: 9999-12-31T23:00:00-05:00",
        11,
        "end_date",
        f"'9999-12-31T23:00:00-05:00' {DATE_HELP}",
    ),
    ("env: [A]", 6, "env", "expected a mapping of NAME: value, found a list"),
    (
        "env: {A-B: 1}",
        7,
        "env.A-B",
        "'A-B' is no name of a variable: use letters, digits (not first) and _",
    ),
    (
        "env: {1A: 1}",
        7,
        "env.1A",
        "'1A' is no name of a variable: use letters, digits (not first) and _",
    ),
    (
        "env: {RUN_ID: 1}",
        7,
        "env.RUN_ID",
        "'RUN_ID' is set by the orchestrator: choose another name",
    ),
    (
        "env: {PARAM_X: 1}",
        7,
        "env.PARAM_X",
        "'PARAM_X' is set by the orchestrator: choose another name",
    ),
    (
        "env: {OUTPUT_A_B: 1}",
        7,
        "env.OUTPUT_A_B",
        "'OUTPUT_A_B' is set by the orchestrator: choose another name",
    ),
    ("env: {A: }", 9, "env.A", 'the variable has no value: write "" for an empty text'),
    ("env: {A: [1]}", 10, "env.A", "expected text, a number, true or false, found a list"),
    ('env: {A: "\\0"}', 10, "env.A", "text may not hold the character NUL"),
    (
        f"env: {{A: {'a' * 33000}}}",
        6,
        "env",
        "env has 33003 bytes; at most 32768 are possible",
    ),
    (
        "is_paused_upon_creation: yes",
        26,
        "is_paused_upon_creation",
        "expected true or false, found 'yes'",
    ),
    (
        "is_paused_upon_creation: 'true'",
        26,
        "is_paused_upon_creation",
        "expected true or false, found the text 'true' in quotation marks",
    ),
    (
        "max_active_runs: 0",
        18,
        "max_active_runs",
        "max_active_runs must be from 1 to 10000, not 0",
    ),
    (
        "max_active_runs: 10001",
        18,
        "max_active_runs",
        "max_active_runs must be from 1 to 10000, not 10001",
    ),
    ("max_active_tasks: 1.5", 19, "max_active_tasks", "expected a whole number, found '1.5'"),
    ("max_active_tasks: 010", 19, "max_active_tasks", "expected a whole number, found '010'"),
    (
        f"max_active_tasks: {'9' * 5000}",
        19,
        "max_active_tasks",
        f"expected a whole number, found '{'9' * 60}…'",
    ),
    (
        'max_active_tasks: "3"',
        19,
        "max_active_tasks",
        "expected a whole number, found the text '3' in quotation marks",
    ),
    (
        "Schedule: '@daily'",
        1,
        "Schedule",
        "the key 'Schedule' is not known; did you mean 'schedule'?",
    ),
    (
        "schedule_interval: '@daily'",
        1,
        "schedule_interval",
        "the key 'schedule_interval' is not known; did you mean 'schedule'?",
    ),
    ("[a]: b", 1, "", "a key must be a word, not a list or a mapping"),
    ("name: y", 1, "", "the key 'name' is here twice; the first is in line 1"),
    (
        "owner: !!python/name:os.system a",
        8,
        "",
        "the tag 'tag:yaml.org,2002:python/name:os.system' is not allowed: leave it out",
    ),
    ("<<: a", 5, "", "<< takes a mapping or a list of mappings"),
]


@pytest.mark.parametrize(("line", "column", "path", "message"), DAG_LINES)
def test_a_problem_of_the_dag_is_reported_where_it_stands(
    line: str, column: int, path: str, message: str
) -> None:
    assert problems_of(f"name: x\n{line}\n{TASK}") == (Problem(2, column, path, message),)


# One line of the only task, in line 5.
TASK_LINES = [
    (
        "dependecies: []",
        3,
        "dependecies",
        "the key 'dependecies' is not known; did you mean 'dependencies'?",
    ),
    (
        "when: x",
        3,
        "when",
        "the key 'when' is not known; known are id, command, dependencies, trigger_rule, "
        "retries, retry_delay, execution_timeout, env, cwd",
    ),
    ("task_id: b", 3, "task_id", "task_id and id are the same: keep one of them"),
    (
        "dependencies: {b: c}",
        17,
        "dependencies",
        "expected a list such as [one, two], found a mapping",
    ),
    ("dependencies: aa", 17, "dependencies", "there is no task 'aa'; did you mean 'a'?"),
    ("dependencies: [zzz]", 18, "dependencies[0]", "there is no task 'zzz'"),
    ("dependencies: a", 17, "dependencies", "these tasks wait for each other: a -> a"),
    (
        "trigger_rule: all_done",
        17,
        "trigger_rule",
        "the trigger rule 'all_done' is not supported; supported: all_success",
    ),
    (
        "trigger_rule: allsuccess",
        17,
        "trigger_rule",
        "the trigger rule 'allsuccess' is not known; supported: all_success",
    ),
    ("retries: -1", 12, "retries", "retries must be from 0 to 1000, not -1"),
    ("retries: many", 12, "retries", "expected a whole number, found 'many'"),
    ("retries: [1]", 12, "retries", "expected a whole number, found a list"),
    ("retry_delay: 1:30", 16, "retry_delay", f"'1:30' is no duration: {DURATION_HELP}"),
    ("retry_delay: -5", 16, "retry_delay", f"'-5' is no duration: {DURATION_HELP}"),
    (
        "retry_delay: 8d",
        16,
        "retry_delay",
        "retry_delay must be 0s or more and at most 7d, not 8d",
    ),
    (
        "timeout: 0",
        12,
        "timeout",
        "execution_timeout must be more than 0s and at most 1d, not 0",
    ),
    ("cwd: ' '", 8, "cwd", "cwd must be one line of 1 to 200 characters"),
]


@pytest.mark.parametrize(("line", "column", "path", "message"), TASK_LINES)
def test_a_problem_of_a_task_is_reported_where_it_stands(
    line: str, column: int, path: str, message: str
) -> None:
    source = f"name: x\ntasks:\n- id: a\n  command: b\n  {line}\n"

    assert problems_of(source) == (Problem(5, column, f"tasks[0].{path}", message),)


COMMANDS = [
    ("command: ' '", 11, "the command is empty"),
    ("command: [a, b]", 11, "expected a command (several lines go behind a |), found a list"),
    ('command: "a\\0"', 11, "text may not hold the character NUL"),
    (
        f"command: {'é' * 32769}",
        11,
        "the command has 65538 bytes, at most 65536 are possible: put the script into a file",
    ),
    (
        f'command: "{chr(92)}x01{chr(92).join(["x01"] * 40_001)}"',
        11,
        "command and env are too long to be sent: put the script into a file",
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
                1, 1, "", "a DAG file is a mapping: it begins with a line such as name: My DAG"
            ),
        ),
        (TASK, Problem(1, 1, "", "name is missing: it is required")),
        ("name: x", Problem(1, 1, "", "tasks is missing: it is required")),
        ("name:\n" + TASK, Problem(1, 6, "name", "name is required and has no value here")),
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
        ("name: x\ntasks:", Problem(2, 7, "tasks", "tasks is required and has no value here")),
        (
            "name: x\ntasks: [a]",
            Problem(2, 9, "tasks[0]", "expected a task: a mapping with an id and a command"),
        ),
        (
            "name: x\ntasks: [{command: a}]",
            Problem(2, 9, "tasks[0]", "id is missing: it is required"),
        ),
        (
            "name: x\ntasks: [{id: a}]",
            Problem(2, 9, "tasks[0]", "command is missing: it is required"),
        ),
        (
            "name: x\ntasks: [{id: null, command: a}]",
            Problem(2, 14, "tasks[0].id", "id is required and has no value here"),
        ),
        (
            "name: 東京\n" + TASK,
            Problem(1, 7, "name", "no id can be made of the name '東京': give one with dag_id"),
        ),
        (
            "name: '!!!'\n" + TASK,
            Problem(1, 7, "name", "no id can be made of the name '!!!': give one with dag_id"),
        ),
        (
            f"name: {'a' * 101}\n" + TASK,
            Problem(
                1, 7, "name", f"no id can be made of the name '{'a' * 60}…': give one with dag_id"
            ),
        ),
        (
            "name: x\nstart_date: 2026-01-02\nend_date: 2026-01-01\n" + TASK,
            Problem(3, 11, "end_date", "end_date is before start_date"),
        ),
    ],
)
def test_a_dag_needs_its_parts(source: str, expected: Problem) -> None:
    assert problems_of(source) == (expected,)


def test_a_task_id_is_taken_once() -> None:
    source = "name: x\ntasks:\n- {id: a, command: b}\n- {task_id: a, command: b}\n"
    message = "the id 'a' is taken by the task in line 3"

    assert problems_of(source) == (Problem(4, 13, "tasks[1].task_id", message),)


def test_too_many_tasks_are_counted() -> None:
    tasks = "".join(f"- {{id: t{i}, command: a}}\n" for i in range(1001))
    message = "1001 tasks; a DAG has at most 1000"

    assert problems_of(f"name: x\ntasks:\n{tasks}") == (Problem(3, 1, "tasks", message),)


def test_the_env_of_dag_and_task_together_is_limited() -> None:
    big = "a" * 20_000
    source = f"name: x\nenv: {{A: {big}}}\ntasks:\n- {{id: a, command: b, env: {{B: {big}}}}}\n"
    message = "with that of the DAG, env has 40006 bytes; at most 32768 are possible"

    assert problems_of(source) == (Problem(4, 27, "tasks[0].env", message),)


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
        (3, 37, "tasks[0].dependencies", "these tasks wait for each other: a -> c -> b -> a"),
        (7, 37, "tasks[4].dependencies", "these tasks wait for each other: p -> q -> p"),
    ]


def test_all_problems_are_reported_together_in_the_order_of_the_file() -> None:
    found = problems_of(
        "tasks:\n- {id: a, command: '', dependencies: [b]}\n- {id: a, retries: x}\nname: x\nownr: me\n"
    )

    assert [(p.line, p.column, p.path) for p in found] == [
        (2, 20, "tasks[0].command"),
        (2, 39, "tasks[0].dependencies[0]"),
        (3, 3, "tasks[1]"),
        (3, 8, "tasks[1].id"),
        (3, 20, "tasks[1].retries"),
        (5, 1, "ownr"),
    ]


def test_what_an_alias_repeats_is_reported_once() -> None:
    source = "name: x\ntasks:\n- &a {id: a, command: b, retries: x}\n- {<<: *a, id: b}\n"

    assert [(p.line, p.column) for p in problems_of(source)] == [(3, 36)]


def test_a_hopeless_file_is_cut_short_with_a_count() -> None:
    found = problems_of(f"name: x\n{TASK}" + "".join(f"k{i}: 1\n" for i in range(5000)))

    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].message == "4900 more problems from here on are not shown"
    assert found[-1].line == 103


def test_the_error_says_everything_in_words_and_in_its_details() -> None:
    with pytest.raises(DagFileError) as caught:
        parse(f"name: x\nownr: me\n{TASK}".encode(), file_name="my.yaml")

    message = "the key 'ownr' is not known; did you mean 'owner'?"
    assert str(caught.value) == f"my.yaml: line 2, column 1: {message}"
    assert caught.value.details == {
        "problems": [{"line": 2, "column": 1, "path": "ownr", "message": message}]
    }
    assert (caught.value.status, caught.value.code) == (422, "invalid_dag")
