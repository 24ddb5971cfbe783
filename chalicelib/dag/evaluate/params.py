"""The params of a run: what was asked for, checked against what the DAG declares."""

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
"""Of all values together as JSON: they stand in the environment of every command."""

_MAX_LISTED = 20


class ParamError(InvalidRequest):
    """A run cannot be given these params. `details["problems"]` has, for each, the name of the
    `param` and a `message`."""

    code = "invalid_params"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(
            "; ".join(message for _, message in problems),
            problems=[{"param": name, "message": message} for name, message in problems],
        )


def resolve_params(
    dag: Dag, given: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The value of each declared param, in order: the one given, else the default, else None.

    A given null counts as left out. A given text is never rendered; a default is, with `context`
    as in `templates.render`, of which it may use the dates, `dag_id` and `run_id`. Without a
    context (no run is made yet) a default that is a template stays as it is, unchecked.
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
    # First of all, for it bounds the work of the checks.
    if (size := len(json.dumps(values).encode())) > MAX_PARAMS_BYTES:
        message = f"the params have {size} bytes; at most {MAX_PARAMS_BYTES} fit"
        raise ParamError([*problems, ("", message)])
    for name, value in values.items():
        if given.get(name) is not None or context is not None or not is_template(value):
            found = value_problems(declared[name], value)
            problems += [(name, f"param {quote(name)} {fault}") for fault in found]
    if problems:
        raise ParamError(problems)
    return {name: normalize(declared[name], value) for name, value in values.items()}


def normalize(param: Param, value: Any) -> Any:
    """The value as runs keep it, once it is known to be possible: an integer as such, any other
    number that JSON would write differently as text."""
    if param.type == "integer" and is_number(value) and _is_whole(value):
        return to_int(value)
    return unwrap_verbatim(value)


def normalize_param(param: Param) -> Param:
    """The param with its own values as runs keep them."""
    enum = None if param.enum is None else tuple(normalize(param, value) for value in param.enum)
    return replace(param, default=normalize(param, param.default), enum=enum)


def template_values(dag: Dag, values: Mapping[str, Any]) -> dict[str, Any]:
    """The params of a run as templates see them: a number can be calculated with, and is written as
    it was."""
    numbers = {param.name for param in dag.params if param.type == "number"}
    return {
        name: _number(value) if name in numbers and isinstance(value, str) else value
        for name, value in values.items()
    }


def _number(text: str) -> Any:
    number = to_number(text)
    return text if number is None else number


def keep_declared(dag: Dag, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the params of a run that another version made, those that this one has."""
    return {param.name: values[param.name] for param in dag.params if param.name in values}


def variable_text(value: Any) -> str:
    """What `$PARAM_<NAME>` holds: a text as it is, nothing for None, everything else as JSON.

    Raises TemplateError where no variable can hold it.
    """
    try:
        return to_text_or_empty(value)
    except BadText as error:
        raise TemplateError(str(error)) from None


def _unknown(given: Mapping[str, Any], declared: Mapping[str, Param]) -> list[tuple[str, str]]:
    known = f"; known are {', '.join(declared)}" if declared else "; the DAG has none"
    names = [name for name in given if name not in declared]
    found = [
        (name, f"there is no param {quote(name)}{did_you_mean(name, declared) or known}")
        for name in names[:_MAX_LISTED]
    ]
    if (more := len(names) - _MAX_LISTED) > 0:
        found.append(("", f"{more} more params are not known either"))
    return found


def _value(param: Param, given: Any, context: Mapping[str, Any] | None) -> Any:
    """What is given, else the default, rendered where there is a context for it."""
    value = given
    if given is None:
        value = param.default if context is None else render_value(param.default, context)
    if is_deeper_than(value, MAX_DEPTH):
        raise BadText(f"lists and objects are nested more than {MAX_DEPTH} deep")
    to_text_or_empty(value)
    return value


def value_problems(param: Param, value: Any) -> list[str]:
    """All that is wrong with a value, in words that follow the name of the param."""
    if value is None:
        return ["is required and was not given"] if param.required else []
    if param.type and not TYPES[param.type](value):
        return [f"must be {_ARTICLES[param.type]}, not {format_value(value)}"]
    found = []
    kept = normalize(param, value)
    if param.enum is not None and not any(json_equal(kept, one) for one in param.enum):
        found.append(f"must be one of {_listed(param.enum)}, not {format_value(value)}")
    number = to_number(value) if param.type == "number" or is_number(value) else None
    if number is not None:
        if param.minimum is not None and number < param.minimum:
            found.append(f"must be {param.minimum:g} or more, not {format_value(value)}")
        if param.maximum is not None and number > param.maximum:
            found.append(f"must be {param.maximum:g} or less, not {format_value(value)}")
    if isinstance(value, str) and param.pattern:
        found += _mismatch(param.pattern, value)
    return found


def _mismatch(pattern: str, text: str) -> list[str]:
    try:
        if matches(pattern, text):
            return []
    except BadPattern as error:
        return [f"cannot be checked: {error}"]
    return [f"must match {pattern} as a whole, and {format_value(text)} does not"]


def _listed(values: Sequence[Any]) -> str:
    some = ", ".join(map(format_value, values[:_MAX_LISTED]))
    more = len(values) - _MAX_LISTED
    return f"{some} and {more} more" if more > 0 else some


def json_equal(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 1 and 1.0 are one number, 1 and true are not the same."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def format_value(value: Any) -> str:
    """A value in a message: as JSON, not too long."""
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
"""JSON Schema's types, and how each is told; 5.0 is an integer there. A number may be a text, to
keep the spelling in which it was written."""

_ARTICLES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
