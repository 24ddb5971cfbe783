"""`Field`, a row of the table of fields, and `Kind`, the type of its value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.notification_kinds import examples


class Kind(StrEnum):
    """The kinds of values. The reference calls each by this text."""

    NAME = "one line of text"
    TEXT = "text"
    ID = "id"
    POOL = "pool name"
    QUEUE = "queue name"
    IMAGE = "container image"
    MEMORY = "amount of memory"
    COMMAND = "shell command"
    TEST = "shell test"
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
    CHOICE = "one of a few words"
    FACTOR = "number, or `true` for 2"
    NUMBER = "number"
    PATTERN = "regular expression"
    CODES = "exit code or list of exit codes"
    OUTPUTS = "list of names"
    ARTIFACTS = "mapping of names to paths"
    INPUTS = "mapping of paths to `task.artifact`"
    FILES = "file or list of files"
    JSON = "any value"
    VALUES = "list of values"
    CONF = "mapping of any values"
    EXPAND = "mapping of names to lists"
    SECRETS = "mapping of names to references"
    SENSOR = "mapping"
    TOOLS = "mapping of names to tools"
    URL = "URL"
    SHA256 = "SHA-256"
    PATH = "path"
    PARAMS = "mapping of names to params"
    NOTIFICATIONS = f"list of {', '.join(f'`{example}`' for example in examples())}"
    DEFAULTS = "mapping of task keys"
    POOLS = "mapping of names to slots"
    TASKS = "list of tasks"


@dataclass(frozen=True, slots=True)
class Field:
    """One key of the DAG file.

    `default` is the value, as the model holds it, if the key is left out; `shown_default` is its
    text in the reference where the value says too little. `low` and `high` bound a number, or the
    seconds of a duration. `choices` are the values of a choice. The key has no effect without all
    of `needs`, and is a problem then.
    """

    name: str
    kind: Kind
    help: str
    default: Any = None
    aliases: tuple[str, ...] = ()
    required: bool = False
    low: float = 0
    high: float = 0
    shown_default: str = ""
    choices: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)
