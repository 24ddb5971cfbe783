"""From nodes to values: one reader for each kind of field.

A reader answers with the value, or reports what is wrong and answers with the field's default, so
that the rest of the file is still looked at. Text is taken as it is written: `name: 2026` and
`id: on` are texts, whatever YAML makes of them elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from chalicelib.dag.durations import BadDuration, format_duration, parse_duration
from chalicelib.dag.fields import (
    ALWAYS_SET,
    ENV_NAME,
    ID,
    MAX_COMMAND,
    MAX_ENV,
    MAX_ID,
    MAX_LINE,
    MAX_SCHEDULES,
    RESERVED_PREFIXES,
    TRIGGER_RULES,
    Field,
    Kind,
)
from chalicelib.dag.problems import Report, did_you_mean, quote
from chalicelib.dag.trigger_rules import AIRFLOW_RULES
from chalicelib.dag.yaml_nodes import Mapping, Node, Scalar, Sequence

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_KINDS = {Scalar: "text", Sequence: "a list", Mapping: "a mapping"}
# These stand in the system's directory of zones, but mean something else on every machine.
_NO_ZONES = frozenset({"posix", "right", "localtime", "posixrules", "Factory"})


@dataclass(frozen=True, slots=True)
class Value:
    """What a file says about one field, and where what is wrong with it is reported."""

    node: Node
    field: Field
    path: str
    report: Report

    def problem(self, message: str) -> Any:
        """Report, and answer with the field's default."""
        self.report.add(self.node, self.path, message)
        return self.field.default

    def at(self, node: Node, step: str) -> Value:
        """A part of this value; `step` is what the path to it adds."""
        return Value(node, self.field, self.path + step, self.report)

    def text(self, expected: str = "text") -> str | None:
        """The text that was written, if it is one that a command can be given."""
        if not isinstance(self.node, Scalar):
            self.problem(f"expected {expected}, found {_KINDS[type(self.node)]}")
        elif self.node.is_null:
            self.problem(f"expected {expected}, found null")
        elif "\0" in self.node.text:
            self.problem("text may not hold the character NUL")
        elif any("\ud800" <= char <= "\udfff" for char in self.node.text):
            self.problem("half of a surrogate pair is no character")
        else:
            return self.node.text
        return None

    def plain(self, expected: str) -> str | None:
        """The text, if it has no quotation marks and so may be a number or a boolean."""
        text = self.text(expected)
        if text is not None and isinstance(self.node, Scalar) and not self.node.is_plain:
            self.problem(f"expected {expected}, found the text {quote(text)} in quotation marks")
            return None
        return text


def read_value(value: Value) -> Any:
    """The value, of the type that the model has; null means that the field is left out."""
    if value.node.is_null:
        if value.field.required:
            return value.problem(f"{value.field.name} is required and has no value here")
        return value.field.default
    return _READERS[value.field.kind](value)


def items_of(value: Value) -> list[Value]:
    """The items of a list."""
    if not isinstance(value.node, Sequence):
        value.problem(f"expected a list such as [one, two], found {_KINDS[type(value.node)]}")
        return []
    return [value.at(item, f"[{index}]") for index, item in enumerate(value.node.items)]


def one_or_more(value: Value) -> list[Value]:
    """The items of a list, or the one thing that stands in its place."""
    return [value] if isinstance(value.node, Scalar) else items_of(value)


def env_size(env: dict[str, str]) -> int:
    """The bytes that the variables take in the memory of a process."""
    return sum(len(f"{name}={value}\0".encode()) for name, value in env.items())


def _text(value: Value) -> str | None:
    return value.text()


def _line(value: Value) -> str | None:
    text = value.text()
    if text is None or (len(text) <= MAX_LINE and len(text.strip().splitlines()) == 1):
        return text and text.strip()
    value.problem(f"{value.field.name} must be one line of 1 to {MAX_LINE} characters")
    return None


def _id(value: Value) -> str | None:
    text = value.text("an id")
    if text is not None and (len(text) > MAX_ID or not ID.fullmatch(text)):
        value.problem(
            f"{quote(text)} is no id: use letters, digits, _, - and ., at most {MAX_ID} of them, "
            "the first a letter, a digit or _"
        )
        return None
    return text


def _command(value: Value) -> str | None:
    text = value.text("a command (several lines go behind a |)")
    if text is None:
        return None
    if not text.strip():
        value.problem("the command is empty")
    elif (size := len(text.encode())) > MAX_COMMAND:
        message = f"the command has {size} bytes, at most {MAX_COMMAND} are possible"
        value.problem(f"{message}: put the script into a file")
    return text


def _unique(values: list[Value], read: Callable[[Value], str | None]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values:
        text = read(value)
        if text in found:
            value.problem(f"{quote(text)} is in this list twice")
        elif text is not None:
            found[text] = None
    return tuple(found)


def _texts(value: Value) -> tuple[str, ...]:
    return _unique(items_of(value), _line)


def _ids(value: Value) -> tuple[str, ...]:
    return _unique(one_or_more(value), lambda item: item.text("an id"))


def _bool(value: Value) -> bool:
    text = value.plain("true or false")
    if text is None or text in _BOOLS:
        return _BOOLS[text] if text else value.field.default
    return bool(value.problem(f"expected true or false, found {quote(text)}"))


def _integer(value: Value) -> int:
    field, text = value.field, value.plain("a whole number")
    if text is None:
        return int(field.default)
    if not _WHOLE.fullmatch(text):
        return int(value.problem(f"expected a whole number, found {quote(text)}"))
    if not field.low <= int(text) <= field.high:
        message = f"{field.name} must be from {field.low:g} to {field.high:g}, not {text}"
        return int(value.problem(message))
    return int(text)


def _duration(value: Value) -> float | None:
    field, text = value.field, value.text("a duration")
    if text is None:
        return None
    try:
        seconds = parse_duration(text.strip())
    except BadDuration as error:
        value.problem(f"{quote(text)} is no duration: {error}")
        return None
    if not field.low <= seconds <= field.high:
        low = "more than 0s" if field.low else "0s or more"
        high = format_duration(field.high)
        value.problem(f"{field.name} must be {low} and at most {high}, not {text.strip()}")
    return seconds


def _schedule(value: Value) -> tuple[str, ...]:
    """The expressions; whether they mean anything is for the parser, which has the zone in hand."""
    items = one_or_more(value)
    if len(items) > MAX_SCHEDULES:
        value.problem(f"{len(items)} schedules in one list; at most {MAX_SCHEDULES} are possible")
    found = [item.text("a schedule") for item in items[:MAX_SCHEDULES]]
    return tuple(" ".join(text.split()) for text in found if text is not None)


def _timezone(value: Value) -> str:
    text = value.text("an IANA time zone such as Europe/Berlin")
    if text is None:
        return str(value.field.default)
    name = text.strip()
    if _is_zone(name):
        return name
    known = sorted(available_timezones() - _NO_ZONES)
    hint = did_you_mean(name, known) or "; one is 'Europe/Berlin'"
    return str(value.problem(f"{quote(name)} is no time zone of the IANA list{hint}"))


def _is_zone(name: str) -> bool:
    if name.split("/")[0] in _NO_ZONES:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _date(value: Value) -> str | None:
    """The text; which moment it names depends on the zone."""
    text = value.text("a date")
    return None if text is None else text.strip()


def _env(value: Value) -> dict[str, str]:
    if not isinstance(value.node, Mapping):
        value.problem(f"expected a mapping of NAME: value, found {_KINDS[type(value.node)]}")
        return {}
    env: dict[str, str] = {}
    for key, node in value.node.pairs:
        step = f".{key.text}"
        _check_env_name(value.at(key, step), key.text)
        text = _env_text(value.at(node, step))
        if text is not None:
            env[key.text] = text
    if not value.report and (size := env_size(env)) > MAX_ENV:
        value.problem(f"env has {size} bytes; at most {MAX_ENV} are possible")
    return env


def _check_env_name(key: Value, name: str) -> None:
    if not ENV_NAME.fullmatch(name):
        key.problem(
            f"{quote(name)} is no name of a variable: use letters, digits (not first) and _"
        )
    elif name in ALWAYS_SET or name.startswith(RESERVED_PREFIXES):
        key.problem(f"{quote(name)} is set by the orchestrator: choose another name")


def _env_text(value: Value) -> str | None:
    if value.node.is_null:
        value.problem('the variable has no value: write "" for an empty text')
        return None
    return value.text("text, a number, true or false")


def _rule(value: Value) -> str:
    text = value.text("a trigger rule")
    if text is None or text in TRIGGER_RULES:
        return text or str(value.field.default)
    what = "not supported" if text in AIRFLOW_RULES else "not known"
    known = ", ".join(TRIGGER_RULES)
    return str(value.problem(f"the trigger rule {quote(text)} is {what}; supported: {known}"))


_READERS: dict[Kind, Callable[[Value], Any]] = {
    Kind.NAME: _line,
    Kind.TEXT: _text,
    Kind.ID: _id,
    Kind.COMMAND: _command,
    Kind.TEXTS: _texts,
    Kind.IDS: _ids,
    Kind.BOOL: _bool,
    Kind.INTEGER: _integer,
    Kind.DURATION: _duration,
    Kind.SCHEDULE: _schedule,
    Kind.TIMEZONE: _timezone,
    Kind.DATE: _date,
    Kind.ENV: _env,
    Kind.RULE: _rule,
    # The parser reads them, by the table that they have of their own.
    Kind.TASKS: lambda _: (),
}
