"""The rows of the language: all that a DAG file can say, and what it is promised.

Made from the tables that the program itself reads, as far as there are tables; a row is covered by
the cases that name it.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.dag.evaluate.params import TYPES
from chalicelib.dag.language.fields.table import BUILT_IN_VARIABLES, TABLES, TRIGGER_RULES, Field
from chalicelib.dag.states import RunState, TaskState
from chalicelib.dag.templates.scope import NAMES

TABLE_NAMES = {
    "The DAG": "dag",
    "The task": "task",
    "A param": "param",
    "A sensor": "sensor",
    "A tool": "tool",
}

RULES = {
    "rule.id_from_name": "the id is made from the name",
    "rule.duration_seconds": "a duration is a number of seconds",
    "rule.duration_text": "or a text such as 1h30m",
    "rule.unknown_key": "an unknown key is an error that names place and nearest key",
    "rule.all_problems": "all errors of a file are reported together",
    "rule.duplicate_key": "a key that stands twice is an error",
    "rule.aliases_explode": "aliases that explode are an error",
    "rule.too_large": "a file above 256 KiB is an error",
    "rule.safe_loading": "a tag loads nothing",
    "rule.cycle": "a circle of dependencies is an error that names its path",
    "rule.broken_file": "a broken file leaves the last good version as it was",
    "time.scheduled": "the logical date is the fire time, the interval begins at the one before",
    "time.requested": "of a run on request all three are the moment of the request",
    "time.asked_for": "or what was asked for",
    "time.ds": "DS is the day in the DAG's own zone",
    "time.gap": "a local time that does not exist runs once, right after the gap",
    "time.twice": "a local time that exists twice runs once, the first time",
    "time.real": "*/15-like expressions follow real time",
    "time.every_from_1970": "@every counts from 1970 where there is no start_date",
    "time.every_from_start": "@every counts from start_date",
    "time.new_dag": "a new DAG begins with the next fire time",
    "time.changed": "so does a changed schedule",
    "time.unpaused": "and an un-paused DAG",
    "pause.people": "pausing stops the schedule, not people",
    "pause.running": "what already runs ends",
    "shell.bash": "commands are run by bash -c",
    "shell.fresh_directory": "in a fresh directory",
    "outputs.lines": "outputs are name=value lines",
    "outputs.blocks": "or name<<EOF blocks",
    "outputs.json": "a value may be JSON",
    "outputs.limit": "32 KiB together",
    "outputs.promised": "a promised name that is missing is an error",
    "expand.list": "one copy for each item of a list",
    "expand.output": "or of an earlier task's output",
    "expand.combinations": "several names: every combination",
    "expand.nothing": "no items: the task is skipped",
    "template.unknown": "an unknown name is an error when the file is registered",
    "template.in_command": "templates are rendered in command",
    "template.in_when": "in when",
    "template.in_env": "in env",
    "template.in_conf": "in conf",
    "template.in_expand": "in expand",
    "template.in_default": "and in a param's default",
    "template.quoted": "in a command, every value is quoted for the shell",
    "template.raw": "| raw is the way out",
    "template.braces": "other programs' braces can be written",
    "trigger.circle": "a DAG that triggers itself round a circle is stopped",
    "value.environment": "a value with shell code in it reaches a command as text: environment",
    "value.template": "the same: template",
    "value.expand": "the same: expand",
    "value.conf": "the same: conf",
    "value.output": "the same: an output",
    "control.cancel": "a run, or a task, can be cancelled",
    "control.clear": "tasks can run again",
    "control.version": "running again takes the file as it is now",
    "control.retry": "a failed run can be retried",
    "control.mark": "a task can be marked",
    "control.backfill": "a range of dates can be run",
}
"""What stands in no table, in words."""

_SCHEDULES = ("cron5", "cron6", "list", "null", "every")
_MACROS = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")


def rows() -> dict[str, str | None]:
    """Every row, with the word that a case which covers it must hold; None: no single word."""
    found: dict[str, str | None] = dict.fromkeys(RULES)
    for title, prefix in TABLE_NAMES.items():
        found.update(_fields(prefix, TABLES[title]))
        found.update(_choices(prefix, TABLES[title]))
    found.update({f"trigger_rule.{rule}": rule for rule in TRIGGER_RULES})
    found.update({f"type.{name}": name for name in TYPES})
    found.update({f"schedule.{name}": None for name in _SCHEDULES})
    found.update({f"schedule.{name}": name for name in _MACROS})
    found.update({f"notify.{kind}": kind for kind in ("sns", "webhook", "command")})
    found.update({f"secret.{kind}": f"{kind}:" for kind in ("ssm", "secretsmanager", "env")})
    found.update({f"env.{name}": name for name in (*BUILT_IN_VARIABLES, "PARAM_", "OUTPUT_")})
    found.update({f"template.{name}": name for name in NAMES})
    found.update({f"run_state.{state}": state for state in RunState})
    found.update({f"task_state.{state}": state for state in TaskState})
    return found


def _fields(prefix: str, fields: Iterable[Field]) -> dict[str, str]:
    return {f"{prefix}.{name}": name for field in fields for name in field.names}


def _choices(prefix: str, fields: Iterable[Field]) -> dict[str, str]:
    return {
        f"{prefix}.{field.name}.{choice}": choice
        for field in fields
        if prefix == "dag"
        for choice in field.choices
    }
