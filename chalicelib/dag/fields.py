"""The one table of the words of a DAG file.

The parser, the JSON Schema and the reference in the README are made from it: a word that is not
here does not exist, and one that is here is read, described and checked everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.dag.durations import format_duration
from chalicelib.dag.trigger_rules import RULES

ID = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
MAX_ID = 100
MAX_TASKS = 1000
MAX_SCHEDULES = 20
MAX_COMMAND = 64 * 1024
MAX_ENV = 32 * 1024
MAX_LINE = 200
MAX_MESSAGE = 240_000
"""Of command and environment as JSON, so that the task's message fits into SQS's 256 KiB."""

ENV_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
ALWAYS_SET = (
    "DAG_ID",
    "RUN_ID",
    "TASK_ID",
    "TRY_NUMBER",
    "MAP_INDEX",
    "LOGICAL_DATE",
    "DATA_INTERVAL_START",
    "DATA_INTERVAL_END",
    "DS",
    "TRIGGER_TYPE",
    "DAG_OUTPUT",
)
RESERVED_PREFIXES = ("PARAM_", "OUTPUT_")


class Kind(StrEnum):
    """What a value looks like; the text is what the reference calls it."""

    NAME = "text of one line"
    TEXT = "text"
    ID = "id"
    COMMAND = "shell command"
    TEXTS = "list of texts"
    IDS = "id or list of ids"
    BOOL = "`true` or `false`"
    INTEGER = "whole number"
    DURATION = "duration"
    SCHEDULE = "schedule or list of schedules"
    TIMEZONE = "IANA time zone"
    DATE = "date, or date and time"
    ENV = "mapping of names to values"
    RULE = "trigger rule"
    TASKS = "list of tasks"


@dataclass(frozen=True, slots=True)
class Field:
    """One word. `default` is what leaving it out means, as the model holds it; `shown_default` says
    so to people where the value does not. `low` and `high` bound a number, or a duration's
    seconds."""

    name: str
    kind: Kind
    help: str
    default: Any = None
    aliases: tuple[str, ...] = ()
    required: bool = False
    low: float = 0
    high: float = 0
    shown_default: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


DAG_FIELDS: tuple[Field, ...] = (
    Field("name", Kind.NAME, "What people see.", required=True),
    Field(
        "dag_id",
        Kind.ID,
        "The identity, in URLs: letters, digits, `_`, `-` and `.`, at most 100. Left out, it is "
        "the name in lower case with everything but letters and digits turned into single "
        "underscores.",
        shown_default="from `name`",
    ),
    Field("description", Kind.TEXT, "One or two sentences for people."),
    Field("doc_md", Kind.TEXT, "Longer documentation, in Markdown."),
    Field("owner", Kind.NAME, "Who to ask."),
    Field("tags", Kind.TEXTS, "Words to filter lists by.", default=()),
    Field(
        "schedule",
        Kind.SCHEDULE,
        "When it runs: cron with five fields, or six with the seconds last; `@hourly`, `@daily`, "
        "`@weekly`, `@monthly`, `@yearly`; `@every 10s`, counted from `start_date`, else from "
        "1970-01-01T00:00Z; a list of these; or null: only on request.",
        default=(),
    ),
    Field(
        "timezone",
        Kind.TIMEZONE,
        "The zone of the schedule, such as `Europe/Berlin`. A local time that does not exist on "
        "the day clocks go forward runs once, right after the gap; one that exists twice runs "
        "once, the first time. Expressions whose minute or hour begins with `*` follow real time.",
        default="UTC",
    ),
    Field(
        "start_date",
        Kind.DATE,
        "No fire time before this moment. Without an offset it is local time of `timezone`.",
    ),
    Field(
        "end_date",
        Kind.DATE,
        "No fire time after this moment; a date without a time includes its whole day.",
    ),
    Field("env", Kind.ENV, "Environment variables of every command.", default={}),
    Field(
        "is_paused_upon_creation",
        Kind.BOOL,
        "Whether the schedule stands still until somebody turns it on.",
        default=False,
    ),
    Field(
        "max_active_runs",
        Kind.INTEGER,
        "Runs at once; further ones wait in a queue.",
        default=16,
        low=1,
        high=10_000,
    ),
    Field(
        "max_active_tasks",
        Kind.INTEGER,
        "Attempts of this DAG at once; further ones wait.",
        default=16,
        low=1,
        high=10_000,
    ),
    Field("tasks", Kind.TASKS, "The tasks, at least one, at most 1000.", required=True),
)

TASK_FIELDS: tuple[Field, ...] = (
    Field(
        "id",
        Kind.ID,
        "The identity within the DAG: letters, digits, `_`, `-` and `.`, at most 100.",
        aliases=("task_id",),
        required=True,
    ),
    Field(
        "command",
        Kind.COMMAND,
        "Run by `bash -c` where there is bash, else by `sh -c`; at most 64 KiB.",
        aliases=("bash_command",),
        required=True,
    ),
    Field("dependencies", Kind.IDS, "The tasks that come first.", default=()),
    Field(
        "trigger_rule",
        Kind.RULE,
        "How the dependencies must have ended for the task to run. `all_success`: all succeeded.",
        default="all_success",
    ),
    Field(
        "retries",
        Kind.INTEGER,
        "Further attempts after the first one fails.",
        default=0,
        high=1000,
    ),
    Field(
        "retry_delay",
        Kind.DURATION,
        "Between the end of an attempt and the next.",
        default=300.0,
        high=7 * 86_400,
    ),
    Field(
        "execution_timeout",
        Kind.DURATION,
        "Then the attempt is stopped and has failed. At most 24h; Lambda allows less than 15m.",
        aliases=("timeout",),
        low=0.001,
        high=86_400,
        shown_default="what the executor allows",
    ),
    Field("env", Kind.ENV, "Environment variables, over those of the DAG.", default={}),
    Field(
        "cwd",
        Kind.NAME,
        "The directory that the command runs in.",
        shown_default="a fresh, empty directory",
    ),
)

TRIGGER_RULES = tuple(RULES)


def known_names(fields: tuple[Field, ...]) -> dict[str, Field]:
    """Every word of the table, aliases included, with its field."""
    return {name: field for field in fields for name in field.names}


def reference_markdown() -> str:
    """The reference of the language for the README: one table for the DAG, one for the task."""
    dag, task = _table(DAG_FIELDS), _table(TASK_FIELDS)
    return f"### The DAG\n\n{dag}\n### The task\n\n{task}"


def _table(fields: tuple[Field, ...]) -> str:
    rows = [("key", "value", "default", "meaning"), ("---",) * 4]
    rows += [(_shown_names(f), f.kind, shown_default(f), f.help) for f in fields]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _shown_names(field: Field) -> str:
    names = f"`{field.name}`"
    if field.aliases:
        names += f" (or {', '.join(f'`{alias}`' for alias in field.aliases)})"
    return names


def shown_default(field: Field) -> str:
    """What leaving the field out means, for people."""
    if field.required:
        return "required"
    if field.shown_default:
        return field.shown_default
    if field.default is None or field.default in ((), {}):
        return "none"
    if field.kind is Kind.DURATION:
        return f"`{format_duration(field.default)}`"
    return f"`{str(field.default).lower() if field.kind is Kind.BOOL else field.default}`"
