"""How a value of JSON becomes the text that a command sees, and which texts it can be given."""

from __future__ import annotations

import json
import re
from typing import Any

from chalicelib.dag.json_values import VERBATIM_TYPES, unwrap_verbatim

_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]")


class BadText(ValueError):
    """A value that no command can be given; the message says why."""


def to_text(value: Any) -> str:
    """A text as it is, everything else as JSON. Raises BadText where the environment of a process
    cannot hold it."""
    try:
        if isinstance(value, str):
            text = value
        elif isinstance(value, VERBATIM_TYPES):
            text = value.text
        else:
            text = json.dumps(unwrap_verbatim(value), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise BadText("this is no value that JSON can hold") from None
    if fault := text_problem(text):
        raise BadText(fault)
    return text


def to_text_or_empty(value: Any) -> str:
    """As `to_text`, and nothing for None: what a variable holds, and what a template becomes."""
    return "" if value is None else to_text(value)


def text_problem(text: str) -> str | None:
    """Why a command cannot be given this text, or None."""
    if "\0" in text:
        return "text may not hold the character NUL"
    return "half of a surrogate pair is no character" if _SURROGATE.search(text) else None


def param_variable(name: str) -> str:
    """The variable in which a command finds the param: `PARAM_ROWS` for `rows`."""
    return f"PARAM_{name.upper()}"


def output_variable(task_id: str, name: str) -> str:
    """The variable in which a command finds an output of a dependency: `OUTPUT_LOAD_DB_ROWS` for
    `rows` of the task `load-db`."""
    return f"OUTPUT_{_NOT_IN_A_NAME.sub('_', task_id).upper()}_{name.upper()}"
