"""From nodes to values: one reader for each kind of field.

A reader answers with the value, or reports what is wrong and answers with the field's default, so
that the rest of the file is still looked at. Text is taken as it is written: `name: 2026` and
`id: on` are texts, whatever YAML makes of them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from chalicelib.dag.constraints import (
    ENV_NAME,
    ID,
    MAX_COMMAND,
    MAX_ID,
    MAX_LINE,
    MAX_OUTPUTS,
    MAX_PATTERN,
    MAX_SCHEDULES,
    POOL,
    RESERVED_IDS,
)
from chalicelib.dag.language.fields.field import Kind
from chalicelib.dag.language.readers.numbers import (
    read_bool,
    read_codes,
    read_duration,
    read_factor,
    read_integer,
    read_number,
)
from chalicelib.dag.language.readers.open_mappings import (
    raw_json_of,
    read_conf,
    read_env,
    read_expand,
    read_json_list,
    read_secrets,
)
from chalicelib.dag.language.yaml_value import Value, items_of, one_or_more, refuse_template
from chalicelib.dag.patterns import BadPattern, check_pattern
from chalicelib.dag.problems import did_you_mean, quote
from chalicelib.dag.trigger_rules import RULES

# These stand in the system's directory of zones, but mean something else on every machine.
_NO_ZONES = frozenset({"posix", "right", "localtime", "posixrules", "Factory"})


def read_value(value: Value) -> Any:
    """The value, of the type that the model has; null means that the field is left out. What has a
    table of its own (`records` reads it) is the default here."""
    if value.node.is_null:
        if value.field.required:
            return value.problem(f"{value.field.name} is required and has no value here")
        return value.field.default
    read = _READERS.get(value.field.kind)
    return read(value) if read else value.field.default


def _text(value: Value) -> str | None:
    return value.text()


def _line(value: Value) -> str | None:
    text = value.text()
    if value.field.name == "cwd":
        refuse_template(value, text, "write cd and a variable into the command")
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
    if value.field.name == "dag_id" and text in RESERVED_IDS:
        value.problem(reserved(text))
    return text


def reserved(dag_id: str) -> str:
    """Why no DAG is called so."""
    return f"the id {quote(dag_id)} is a word of the API's own paths: choose another dag_id"


def _pool(value: Value) -> str | None:
    text = value.text("the name of a pool")
    if text is not None and (len(text) > MAX_ID or not POOL.fullmatch(text)):
        value.problem(
            f"{quote(text)} is no name of a pool: use letters, digits, _, - and ., at most "
            f"{MAX_ID} of them, and not . or .. alone"
        )
    return text


def shell_text(value: Value, name: str = "command") -> str | None:
    """A script for the shell; `name` is what messages call it."""
    text = value.text(f"a {name} (several lines go behind a |)")
    if text is None:
        return None
    if not text.strip():
        value.problem(f"the {name} is empty")
    elif (size := len(text.encode())) > MAX_COMMAND:
        message = f"the {name} has {size} bytes, at most {MAX_COMMAND} are possible"
        value.problem(f"{message}: put the script into a file")
    return text


def _test(value: Value) -> str | None:
    return shell_text(value, "test")


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


def _choice(value: Value) -> str | None:
    field, known = value.field, ", ".join(value.field.choices)
    text = value.text(f"one of {known}")
    if text is None or text in field.choices:
        return text or cast("str | None", field.default)
    hint = did_you_mean(text, field.choices) or f"; there are {known}"
    value.problem(f"{field.name} cannot be {quote(text)}{hint}")
    return cast("str | None", field.default)


def _pattern(value: Value) -> str | None:
    text = value.text("a regular expression")
    if text is None:
        return None
    if len(text) > MAX_PATTERN:
        value.problem(f"a pattern has at most {MAX_PATTERN} characters")
        return None
    try:
        check_pattern(text)
    except BadPattern as error:
        value.problem(str(error))
        return None
    return text


def _outputs(value: Value) -> tuple[str, ...]:
    def read(item: Value) -> str | None:
        text = item.text("a name")
        if text is not None and (not ENV_NAME.fullmatch(text) or len(text) > MAX_ID):
            item.problem(
                f"{quote(text)} is no name of an output: use letters, digits (not first) and _"
            )
        return text

    found = _unique(one_or_more(value), read)
    if len(found) > MAX_OUTPUTS:
        value.problem(f"{len(found)} outputs; at most {MAX_OUTPUTS} are possible")
    return found


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


def _rule(value: Value) -> str:
    text = value.text("a trigger rule")
    if text is None or text in RULES:
        return text or str(value.field.default)
    hint = did_you_mean(text, RULES) or f"; there are {', '.join(RULES)}"
    return str(value.problem(f"the trigger rule {quote(text)} is not known{hint}"))


_READERS: dict[Kind, Callable[[Value], Any]] = {
    Kind.NAME: _line,
    Kind.TEXT: _text,
    Kind.ID: _id,
    Kind.POOL: _pool,
    Kind.COMMAND: shell_text,
    Kind.TEST: _test,
    Kind.TEXTS: _texts,
    Kind.IDS: _ids,
    Kind.BOOL: read_bool,
    Kind.INTEGER: read_integer,
    Kind.DURATION: read_duration,
    Kind.SCHEDULE: _schedule,
    Kind.TIMEZONE: _timezone,
    Kind.DATE: _date,
    Kind.ENV: read_env,
    Kind.RULE: _rule,
    Kind.CHOICE: _choice,
    Kind.FACTOR: read_factor,
    Kind.NUMBER: read_number,
    Kind.PATTERN: _pattern,
    Kind.CODES: read_codes,
    Kind.OUTPUTS: _outputs,
    Kind.JSON: raw_json_of,
    Kind.VALUES: read_json_list,
    Kind.CONF: read_conf,
    Kind.EXPAND: read_expand,
    Kind.SECRETS: read_secrets,
}
