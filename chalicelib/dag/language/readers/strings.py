"""Readers of text: names, ids, commands, schedules, time zones, choices, and lists of them.

Text is read as it is written: `name: 2026` and `id: on` are texts, whatever a YAML library makes of
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from zoneinfo import ZoneInfo, available_timezones

from chalicelib.dag.constraints import (
    ID_PATTERN,
    MAX_COMMAND_BYTES,
    MAX_ID_LENGTH,
    MAX_LINE_LENGTH,
    MAX_OUTPUTS,
    MAX_PATTERN_LENGTH,
    MAX_SCHEDULES,
    POOL_NAME,
    RESERVED_IDS,
    VARIABLE_NAME,
)
from chalicelib.dag.file_patterns import (
    MAX_FILE_PATTERNS,
    BadFilePattern,
    read_file_pattern,
)
from chalicelib.dag.language.yaml_value import YamlValue, items_of, one_or_more, refuse_template
from chalicelib.dag.patterns import BadPattern, check_pattern
from chalicelib.dag.problems import did_you_mean, quote
from chalicelib.dag.shell.interpreters import is_read_by_a_shell, script_problem
from chalicelib.enums import TriggerRule, words

# The system's zone directory contains these names, but their meaning differs between machines.
_NO_ZONES = frozenset({"posix", "right", "localtime", "posixrules", "Factory"})


def read_text(value: YamlValue) -> str | None:
    return value.text()


def read_line(value: YamlValue) -> str | None:
    text = value.text()
    if value.field.name == "cwd":
        refuse_template(value, text, "use cd with a variable in the command")
    if text is None or (len(text) <= MAX_LINE_LENGTH and len(text.strip().splitlines()) == 1):
        return text and text.strip()
    value.problem(f"{value.field.name} must be one line of 1 to {MAX_LINE_LENGTH} characters")
    return None


def read_id(value: YamlValue) -> str | None:
    text = value.text("an id")
    if text is not None and (len(text) > MAX_ID_LENGTH or not ID_PATTERN.fullmatch(text)):
        value.problem(
            f"{quote(text)} is not a valid id: use at most {MAX_ID_LENGTH} letters, digits, _, - "
            "and ., and begin with a letter, a digit or _"
        )
        return None
    if value.field.name == "dag_id" and text in RESERVED_IDS:
        value.problem(reserved_id_message(text))
    return text


def reserved_id_message(dag_id: str) -> str:
    """Return why no DAG can have this id."""
    return f"the id {quote(dag_id)} is reserved for the API's own paths: choose another dag_id"


def read_pool(value: YamlValue) -> str | None:
    text = value.text("the name of a pool")
    if text is not None and (len(text) > MAX_ID_LENGTH or not POOL_NAME.fullmatch(text)):
        value.problem(
            f"{quote(text)} is not a valid pool name: use at most {MAX_ID_LENGTH} letters, "
            "digits, _, - and ., and more than . or .."
        )
    return text


def shell_text(value: YamlValue, name: str = "command") -> str | None:
    """Read a shell script. Messages call it `name`."""
    text = value.text(f"a {name} (write several lines after a |)")
    if text is None:
        return None
    if not text.strip():
        value.problem(f"the {name} is empty")
    elif (size := len(text.encode())) > MAX_COMMAND_BYTES:
        message = f"the {name} has {size} bytes; at most {MAX_COMMAND_BYTES} are allowed"
        value.problem(f"{message}: move the script to a file")
    elif problem := script_problem(text):
        value.problem(f"this {name} is a script, and {problem}")
    return text


def read_test(value: YamlValue) -> str | None:
    text = shell_text(value, "test")
    if text is not None and not is_read_by_a_shell(text):
        # Most programs exit with 1 after an error, which would silently skip the task.
        value.problem(
            "only the script of a shell can be a test, because other programs that fail also exit "
            "with 1, which skips the task: call the script in the test, as in python3 check.py"
        )
    return text


def _unique(values: list[YamlValue], read: Callable[[YamlValue], str | None]) -> tuple[str, ...]:
    texts: dict[str, None] = {}
    for value in values:
        text = read(value)
        if text in texts:
            value.problem(f"{quote(text)} appears twice in this list")
        elif text is not None:
            texts[text] = None
    return tuple(texts)


def read_texts(value: YamlValue) -> tuple[str, ...]:
    return _unique(items_of(value), read_line)


def read_ids(value: YamlValue) -> tuple[str, ...]:
    return _unique(one_or_more(value), lambda item: item.text("an id"))


def read_choice(value: YamlValue) -> str | None:
    field, known = value.field, ", ".join(value.field.choices)
    text = value.text(f"one of {known}")
    if text is None or text in field.choices:
        return text or cast("str | None", field.default)
    hint = did_you_mean(text, field.choices) or f"; choose from {known}"
    value.problem(f"{field.name} cannot be {quote(text)}{hint}")
    return cast("str | None", field.default)


def read_pattern(value: YamlValue) -> str | None:
    text = value.text("a regular expression")
    if text is None:
        return None
    if len(text) > MAX_PATTERN_LENGTH:
        value.problem(f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
        return None
    try:
        check_pattern(text)
    except BadPattern as error:
        value.problem(str(error))
        return None
    return text


def read_outputs(value: YamlValue) -> tuple[str, ...]:
    def read(item: YamlValue) -> str | None:
        text = item.text("a name")
        if text is not None and (not VARIABLE_NAME.fullmatch(text) or len(text) > MAX_ID_LENGTH):
            item.problem(
                f"{quote(text)} is not a valid output name: use letters, digits (not first) and _"
            )
        return text

    outputs = _unique(one_or_more(value), read)
    if len(outputs) > MAX_OUTPUTS:
        value.problem(f"{len(outputs)} outputs; at most {MAX_OUTPUTS} are allowed")
    return outputs


def read_files(value: YamlValue) -> tuple[str, ...]:
    patterns = _unique(one_or_more(value), _file_pattern)
    if len(patterns) > MAX_FILE_PATTERNS:
        value.problem(
            f"{len(patterns)} names and patterns; at most {MAX_FILE_PATTERNS} are allowed: put the "
            "files into a folder, and write folder/"
        )
    return patterns


def _file_pattern(item: YamlValue) -> str | None:
    text = item.text("the name of a file, a pattern such as scripts/*.py, or a folder such as sql/")
    if text is None or refuse_template(item, text, "they are found when the file is registered"):
        return None
    try:
        return read_file_pattern(text).text
    except BadFilePattern as error:
        item.problem(str(error))
        return None


def read_schedule(value: YamlValue) -> tuple[str, ...]:
    """Read the expressions. The parser compiles them, because it knows the time zone."""
    items = one_or_more(value)
    if len(items) > MAX_SCHEDULES:
        value.problem(f"{len(items)} schedules in one list; at most {MAX_SCHEDULES} are allowed")
    texts = [item.text("a schedule") for item in items[:MAX_SCHEDULES]]
    return tuple(" ".join(text.split()) for text in texts if text is not None)


def read_timezone(value: YamlValue) -> str:
    text = value.text("an IANA time zone such as Europe/Berlin")
    if text is None:
        return str(value.field.default)
    name = text.strip()
    if _is_zone(name):
        return name
    known = sorted(available_timezones() - _NO_ZONES)
    hint = did_you_mean(name, known) or "; write one such as 'Europe/Berlin'"
    return str(value.problem(f"{quote(name)} is not an IANA time zone{hint}"))


def _is_zone(name: str) -> bool:
    if name.split("/")[0] in _NO_ZONES:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def read_date(value: YamlValue) -> str | None:
    """Read the text. The parser interprets it, because it knows the time zone."""
    text = value.text("a date")
    return None if text is None else text.strip()


def read_rule(value: YamlValue) -> str:
    text = value.text("a trigger rule")
    if text is None or text in words(TriggerRule):
        return text or str(value.field.default)
    rules = words(TriggerRule)
    hint = did_you_mean(text, rules) or f"; choose from {', '.join(rules)}"
    return str(value.problem(f"unknown trigger rule {quote(text)}{hint}"))
