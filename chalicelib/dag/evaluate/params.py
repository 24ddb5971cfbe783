"""The params of a run: checks the values of a request against the DAG, and adds defaults."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.dag.json_values import (
    MAX_DEPTH,
    VERBATIM_TYPES,
    is_deeper_than,
    is_number,
    to_int,
    to_number,
    unwrap_verbatim,
)
from chalicelib.dag.model import Dag, Param
from chalicelib.dag.patterns import BadPattern, matches
from chalicelib.dag.problems import did_you_mean, quote
from chalicelib.dag.templates import is_template, render_value
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.dag.text import BadText, to_text_or_empty
from chalicelib.errors import InvalidRequest

MAX_PARAMS_BYTES = 32 * 1024
"""The limit for all values as JSON, because every command has them in its environment."""

_MAX_LISTED = 20


class ParamError(InvalidRequest):
    """The params are not valid. `details["problems"]` lists each with its `param` and `message`."""

    code = "invalid_params"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(
            "; ".join(message for _, message in problems),
            problems=[{"param": name, "message": message} for name, message in problems],
        )


def resolve_params(
    dag: Dag, given: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the value of each declared param: the given one, else the default, else None.

    A given null counts as left out. Given text is never rendered. Defaults are rendered with
    `context`, as in `templates.render`, and may use the dates, `dag_id` and `run_id`. Without a
    context, while there is no run yet, a default with a template stays as it is, unchecked.
    Raises ParamError with every problem.
    """
    declared = {param.name: param for param in dag.params}
    problems = _unknown(given, declared)
    values: dict[str, Any] = {}
    for name, param in declared.items():
        try:
            values[name] = _value(param, given.get(name), context)
        except (TemplateError, BadText) as error:
            problems.append((name, f"param {quote(name)} cannot be used: {error}"))
    # Comes first, because it bounds the work of the checks below.
    if (size := len(json.dumps(values).encode())) > MAX_PARAMS_BYTES:
        message = f"the params have {size} bytes; at most {MAX_PARAMS_BYTES} are allowed"
        raise ParamError([*problems, ("", message)])
    for name, value in values.items():
        if given.get(name) is not None or context is not None or not is_template(value):
            messages = value_problems(declared[name], value)
            problems += [(name, f"param {quote(name)} {message}") for message in messages]
    if problems:
        raise ParamError(problems)
    return {name: normalize(declared[name], value) for name, value in values.items()}


def normalize(param: Param, value: Any) -> Any:
    """Return a valid value as runs store it: integers as int, and any other number that JSON would
    write differently as text."""
    if param.type == "integer" and is_number(value) and _is_whole(value):
        return to_int(value)
    return unwrap_verbatim(value)


def normalize_param(param: Param) -> Param:
    """Return the param with its default and enum as runs store them."""
    enum = None if param.enum is None else tuple(normalize(param, value) for value in param.enum)
    return replace(param, default=normalize(param, param.default), enum=enum)


def template_values(dag: Dag, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params of a run for templates, where numbers work in arithmetic and keep their
    spelling."""
    numbers = {param.name for param in dag.params if param.type == "number"}
    return {
        name: _number(value) if name in numbers and isinstance(value, str) else value
        for name, value in values.items()
    }


def _number(text: str) -> Any:
    number = to_number(text)
    return text if number is None else number


def keep_declared(dag: Dag, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those params of a run, made by another version, that this version declares."""
    return {param.name: values[param.name] for param in dag.params if param.name in values}


def variable_text(value: Any) -> str:
    """Return the text of a variable: text unchanged, an empty text for None, anything else as JSON.

    Raises TemplateError if no variable can hold it.
    """
    try:
        return to_text_or_empty(value)
    except BadText as error:
        raise TemplateError(str(error)) from None


def _unknown(given: Mapping[str, Any], declared: Mapping[str, Param]) -> list[tuple[str, str]]:
    known = f"; the DAG declares {', '.join(declared) or 'none'}"
    names = [name for name in given if name not in declared]
    problems = [
        (name, f"unknown param {quote(name)}{did_you_mean(name, declared) or known}")
        for name in names[:_MAX_LISTED]
    ]
    if (more := len(names) - _MAX_LISTED) > 0:
        problems.append(("", f"{more} more params are unknown, too"))
    return problems


def _value(param: Param, given: Any, context: Mapping[str, Any] | None) -> Any:
    """Return the given value, else the default, rendered if there is a context."""
    value = given
    if given is None:
        value = param.default if context is None else render_value(param.default, context)
    if is_deeper_than(value, MAX_DEPTH):
        raise BadText(f"lists and objects are nested more than {MAX_DEPTH} levels deep")
    to_text_or_empty(value)
    return value


def value_problems(param: Param, value: Any) -> list[str]:
    """Return every problem of a value, worded to follow the name of the param."""
    if value is None:
        return ["is required but has no value"] if param.required else []
    if param.type and not TYPES[param.type](value):
        return [f"must be {_TYPE_NAMES[param.type]}, not {format_value(value)}"]
    problems = []
    stored = normalize(param, value)
    if param.enum is not None and not any(json_equal(stored, allowed) for allowed in param.enum):
        problems.append(f"must be one of {_listed(param.enum)}, not {format_value(value)}")
    number = to_number(value) if param.type == "number" or is_number(value) else None
    if number is not None:
        if param.minimum is not None and number < param.minimum:
            problems.append(f"must be {param.minimum:g} or more, not {format_value(value)}")
        if param.maximum is not None and number > param.maximum:
            problems.append(f"must be {param.maximum:g} or less, not {format_value(value)}")
    if isinstance(value, str) and param.pattern:
        problems += _mismatch(param.pattern, value)
    return problems


def _mismatch(pattern: str, text: str) -> list[str]:
    try:
        if matches(pattern, text):
            return []
    except BadPattern as error:
        return [f"cannot be checked: {error}"]
    return [f"must match {pattern} as a whole; {format_value(text)} does not"]


def _listed(values: Sequence[Any]) -> str:
    listed = ", ".join(map(format_value, values[:_MAX_LISTED]))
    more = len(values) - _MAX_LISTED
    return f"{listed} and {more} more" if more > 0 else listed


def json_equal(left: Any, right: Any) -> bool:
    """Compare as JSON does: 1 equals 1.0 but not true."""
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def format_value(value: Any) -> str:
    """Format a value for a message: as JSON, shortened if it is long."""
    text = (
        value.text
        if isinstance(value, VERBATIM_TYPES)
        else json.dumps(unwrap_verbatim(value), ensure_ascii=False)
    )
    return text if len(text) <= 60 else text[:60] + "…"


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == value // 1


TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: is_number(value) and _is_whole(value),
    "number": lambda value: to_number(value) is not None,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
"""The types of JSON Schema, with a check for each. 5.0 is an integer there. A number may be text
that keeps its spelling."""

_TYPE_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
