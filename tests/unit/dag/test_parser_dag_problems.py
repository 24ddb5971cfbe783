"""Problems of the DAG's own fields: the position and the message of each."""

from __future__ import annotations

import pytest

from chalicelib.dag.language.parser import DagFileError, parse
from chalicelib.dag.problems import Problem

TASK = "tasks: [{id: a, command: b}]\n"
DURATION_HELP = (
    "write a number of seconds, or text such as 30s, 5m, 1h30m or 2d with the largest unit first"
)
DATE_HELP = (
    "is not a date since 1970: write 2026-01-31 or 2026-01-31T08:00:00, "
    "with or without an offset such as +01:00"
)
SCHEDULE_HELP = (
    "is not a schedule: write five cron fields (minute, hour, day, month, weekday), a sixth for "
    "seconds, or one of @hourly, @daily, @weekly, @monthly, @yearly, @every 10s"
)
ID_HELP = (
    "is not a valid id: use at most 100 letters, digits, _, - and ., and begin with a letter, "
    "a digit or _"
)


def problems_of(source: str) -> tuple[Problem, ...]:
    with pytest.raises(DagFileError) as caught:
        parse(source.encode())
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
    ('description: "a\\0b"', 14, "description", "text must not contain a NUL character"),
    ("tags: sales", 7, "tags", "expected a list such as [one, two], found text"),
    ("tags: [a, b, a]", 14, "tags[2]", "'a' appears twice in this list"),
    ("tags: [a, null]", 11, "tags[1]", "expected text, found null"),
    ("tags: [a, [b]]", 11, "tags[1]", "expected text, found a list"),
    ("schedule: hourly", 11, "schedule", f"'hourly' {SCHEDULE_HELP}"),
    ("schedule: 60", 11, "schedule", f"'60' {SCHEDULE_HELP}"),
    ("schedule: '0 0 * * * * 2026'", 11, "schedule", f"'0 0 * * * * 2026' {SCHEDULE_HELP}"),
    (
        "schedule: ['0 * * * *', '0 24 * * *']",
        25,
        "schedule[1]",
        "the hour field '24' of the schedule is not valid: use 0-23",
    ),
    (
        "schedule: '0 0 32 * *'",
        11,
        "schedule",
        "the day of the month field '32' of the schedule is not valid: use 1-31",
    ),
    (
        "schedule: '0 0 * foo *'",
        11,
        "schedule",
        "the month field 'foo' of the schedule is not valid: use 1-12 or jan-dec",
    ),
    (
        "schedule: '0 0 * * 8'",
        11,
        "schedule",
        "the day of the week field '8' of the schedule is not valid: use 0-7 or sun-sat",
    ),
    (
        "schedule: '0 0 * * * 60'",
        11,
        "schedule",
        "the second field '60' of the schedule is not valid: use 0-59",
    ),
    (
        "schedule: '0 0 2-2 * *'",
        11,
        "schedule",
        "the day of the month field '2-2' of the schedule is a range of one value: write 2",
    ),
    (
        "schedule: '0 0 * * 5,mon-1'",
        11,
        "schedule",
        "the day of the week field '5,mon-1' of the schedule is a range of one value: write mon",
    ),
    (
        "schedule: '0 0 8-9 * 0#2'",
        11,
        "schedule",
        "the schedule cannot combine the day of the month '8-9' with the weekday '0#2': write "
        "a list of two schedules",
    ),
    (
        "schedule: 'R * * * *'",
        11,
        "schedule",
        "the minute field 'R' of the schedule is not valid: use 0-59",
    ),
    (
        "schedule: '0 0 30 2 *'",
        11,
        "schedule",
        "'0 0 30 2 *' never fires: that day does not exist",
    ),
    (
        "schedule: '@reboot'",
        11,
        "schedule",
        "unknown schedule '@reboot'; choose from @hourly, @daily, @weekly, @monthly, @yearly, "
        "@every 10s",
    ),
    ("schedule: '@every'", 11, "schedule", f"'@every' needs a duration: {DURATION_HELP}"),
    ("schedule: '@every day'", 11, "schedule", f"'@every day' needs a duration: {DURATION_HELP}"),
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
        "21 schedules in one list; at most 20 are allowed",
    ),
    (
        "timezone: Europe/Berlinn",
        11,
        "timezone",
        "'Europe/Berlinn' is not an IANA time zone; did you mean 'Europe/Berlin'?",
    ),
    (
        "timezone: utc+1",
        11,
        "timezone",
        "'utc+1' is not an IANA time zone; did you mean 'UTC'?",
    ),
    (
        "timezone: ../../etc/passwd",
        11,
        "timezone",
        "'../../etc/passwd' is not an IANA time zone; write one such as 'Europe/Berlin'",
    ),
    (
        "timezone: localtime",
        11,
        "timezone",
        "'localtime' is not an IANA time zone; write one such as 'Europe/Berlin'",
    ),
    ("start_date: tomorrow", 13, "start_date", f"'tomorrow' {DATE_HELP}"),
    ("start_date: 2026-02-30", 13, "start_date", f"'2026-02-30' {DATE_HELP}"),
    ("start_date: 20260101", 13, "start_date", f"'20260101' {DATE_HELP}"),
    ("start_date: 1969-12-31", 13, "start_date", f"'1969-12-31' {DATE_HELP}"),
    (
        "start_date: 9999-12-31T23:00:00-05:00",
        13,
        "start_date",
        f"'9999-12-31T23:00:00-05:00' {DATE_HELP}",
    ),
    ("env: [A]", 6, "env", "expected a mapping of NAME: value, found a list"),
    (
        "env: {A-B: 1}",
        7,
        "env.A-B",
        "'A-B' is not a valid variable name: use letters, digits (not first) and _",
    ),
    (
        "env: {1A: 1}",
        7,
        "env.1A",
        "'1A' is not a valid variable name: use letters, digits (not first) and _",
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
    ("env: {A: }", 10, "env.A", 'the variable has no value: write "" for empty text'),
    ("env: {A: [1]}", 10, "env.A", "expected text, a number, true or false, found a list"),
    ('env: {A: "\\0"}', 10, "env.A", "text must not contain a NUL character"),
    (
        f"env: {{A: {'a' * 33000}}}",
        6,
        "env",
        "env has 33003 bytes; at most 32768 are allowed",
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
        "expected true or false, found the quoted text 'true'",
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
        "expected a whole number, found the quoted text '3'",
    ),
    (
        "Schedule: '@daily'",
        1,
        "Schedule",
        "unknown key 'Schedule'; did you mean 'schedule'?",
    ),
    (
        "schedule_interval: '@daily'",
        1,
        "schedule_interval",
        "unknown key 'schedule_interval'; did you mean 'schedule'?",
    ),
    ("[a]: b", 1, "", "a key must be a word, not a list or a mapping"),
    ("name: y", 1, "", "duplicate key 'name'; the first is on line 1"),
    (
        "owner: !!python/name:os.system a",
        8,
        "",
        "the tag 'tag:yaml.org,2002:python/name:os.system' is not allowed: remove it",
    ),
    ("<<: a", 5, "", "<< takes a mapping or a list of mappings"),
]


@pytest.mark.parametrize(("line", "column", "path", "message"), DAG_LINES)
def test_a_problem_of_the_dag_is_reported_at_its_position(
    line: str, column: int, path: str, message: str
) -> None:
    assert problems_of(f"name: x\n{line}\n{TASK}") == (Problem(2, column, path, message),)
