"""What a word of the DAG file is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.notification_kinds import examples


class Kind(StrEnum):
    """What a value looks like; the text is what the reference calls it."""

    NAME = "text of one line"
    TEXT = "text"
    ID = "id"
    POOL = "name of a pool"
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
    JSON = "any value"
    VALUES = "list of values"
    CONF = "mapping of any values"
    EXPAND = "mapping of names to lists"
    SECRETS = "mapping of names to references"
    SENSOR = "mapping"
    PARAMS = "mapping of names to params"
    NOTIFICATIONS = f"list of {', '.join(f'`{example}`' for example in examples())}"
    DEFAULTS = "mapping of task keys"
    TASKS = "list of tasks"


@dataclass(frozen=True, slots=True)
class Field:
    """One word. `default` is what leaving it out means, as the model holds it; `shown_default` says
    so to people where the value does not. `low` and `high` bound a number, or a duration's
    seconds; `choices` are the words of a choice. Without every one of `needs` it means nothing, and
    is a problem where it is written."""

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
