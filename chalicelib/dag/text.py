"""Converts JSON values to the text that commands receive, and names their environment variables."""

from __future__ import annotations

import json
import re
from typing import Any

from chalicelib.dag.json_values import VERBATIM_TYPES, unwrap_verbatim

_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]")


class BadText(ValueError):
    """A value that cannot be passed to a command; the message says why."""


def to_text(value: Any) -> str:
    """Return text unchanged and anything else as JSON.

    Raises BadText if the environment of a process cannot hold it.
    """
    try:
        if isinstance(value, str):
            text = value
        elif isinstance(value, VERBATIM_TYPES):
            text = value.text
        elif type(value) is int:
            return str(value)
        else:
            text = json.dumps(unwrap_verbatim(value), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise BadText("this value cannot be written as JSON") from None
    if problem := text_problem(text):
        raise BadText(problem)
    return text


def to_text_or_empty(value: Any) -> str:
    """Return `to_text`, or an empty text for None, as in variables and templates."""
    return "" if value is None else to_text(value)


def text_problem(text: str) -> str | None:
    """Return why this text cannot be passed to a command, or None."""
    if "\0" in text:
        return "text must not contain a NUL character"
    if text.isascii():
        return None
    return "text must not contain half of a surrogate pair" if _SURROGATE.search(text) else None


def param_variable(name: str) -> str:
    """Return the name of a param's variable: `PARAM_ROWS` for `rows`."""
    return f"PARAM_{name.upper()}"


def output_variable(task_id: str, name: str) -> str:
    """Return the name of an output's variable: `OUTPUT_LOAD_DB_ROWS` for `rows` of `load-db`."""
    return f"OUTPUT_{_NOT_IN_A_NAME.sub('_', task_id).upper()}_{name.upper()}"
