"""Readers of booleans, numbers, exit codes and durations."""

from __future__ import annotations

import math
import re
from typing import cast

from chalicelib.dag.language.yaml_value import YamlValue, one_or_more
from chalicelib.dag.problems import quote
from chalicelib.dag.schedule.durations import BadDuration, format_duration, parse_duration

WHOLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,4})?")
BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read_bool(value: YamlValue) -> bool:
    text = value.plain("true or false")
    if text is None or text in BOOLS:
        return BOOLS[text] if text else value.field.default
    return bool(value.problem(f"expected true or false, found {quote(text)}"))


def read_integer(value: YamlValue) -> int | None:
    field, text = value.field, value.plain("a whole number")
    if text is None or not WHOLE_NUMBER.fullmatch(text):
        if text is not None:
            value.problem(f"expected a whole number, found {quote(text)}")
    elif field.low <= int(text) <= field.high:
        return int(text)
    else:
        value.problem(
            f"{field.name} must be from {int(field.low)} to {int(field.high)}, not {text}"
        )
    return cast("int | None", field.default)


def read_number(value: YamlValue) -> float | None:
    text = value.plain("a number")
    if text is None:
        return None
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        value.problem(f"expected a number, found {quote(text)}")
        return None
    field = value.field
    if field.high and not field.low <= float(text) <= field.high:
        value.problem(f"{field.name} must be from {field.low:g} to {field.high:g}, not {text}")
        return None
    return int(text) if WHOLE_NUMBER.fullmatch(text) else float(text)


def read_factor(value: YamlValue) -> float:
    """Read the multiplier of retry delays: a number, or a boolean as in Airflow."""
    field, text = value.field, value.plain("a number, true or false")
    if text is None:
        return float(field.default)
    if text in BOOLS:
        return 2.0 if BOOLS[text] else 0.0
    if not NUMBER.fullmatch(text):
        return float(value.problem(f"expected a number, true or false, found {quote(text)}"))
    if float(text) and not field.low <= float(text) <= field.high:
        message = f"{field.name} must be 0 or from {field.low:g} to {field.high:g}, not {text}"
        return float(value.problem(message))
    return float(text)


def read_codes(value: YamlValue) -> tuple[int, ...]:
    codes: dict[int, None] = {}
    for item in one_or_more(value):
        text = item.plain("an exit code")
        if text is None:
            continue
        if not WHOLE_NUMBER.fullmatch(text) or not 1 <= int(text) <= 255:
            item.problem(f"an exit code is a whole number from 1 to 255, not {quote(text)}")
        elif int(text) in codes:
            item.problem(f"{text} appears twice in this list")
        else:
            codes[int(text)] = None
    if not codes and not value.report and value.field.default is None:
        value.problem("the list is empty: remove the key, or set retries to 0")
    return tuple(codes)


def read_duration(value: YamlValue) -> float | None:
    field, text = value.field, value.text("a duration")
    if text is None:
        return None
    try:
        seconds = parse_duration(text.strip())
    except BadDuration as error:
        value.problem(f"{quote(text)} is not a duration: {error}")
        return None
    if not field.low <= seconds <= field.high:
        least = format_duration(field.low) if field.low >= 1 else "0s"
        low = f"at least {least}" if field.low >= 1 or not field.low else f"more than {least}"
        high = format_duration(field.high)
        value.problem(f"{field.name} must be {low} and at most {high}, not {text.strip()}")
    return seconds
