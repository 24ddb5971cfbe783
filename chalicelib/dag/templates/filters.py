"""The filters of templates: functions from JSON values to JSON values of bounded size."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from jinja2 import Undefined

from chalicelib.dag.json_values import VERBATIM_TYPES, parse_json, unwrap_verbatim
from chalicelib.dag.text import to_text_or_empty

MAX_TEXT = 256 * 1024


def refuse_undefined(value: Any) -> None:
    """Raise UndefinedError, which names what is missing, if the value is undefined."""
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a filter refuse undefined values, which it would report as a wrong type."""

    @wraps(function)
    def strict(value: Any, *args: Any, **kwargs: Any) -> Any:
        refuse_undefined(value)
        return function(value, *args, **kwargs)

    return strict


def _raw(value: Any) -> Any:
    return value


def _default(value: Any, fallback: Any = "") -> Any:
    return fallback if value is None or isinstance(value, Undefined) else value


def _lower(value: str) -> str:
    return to_text_or_empty(value).lower()


def _upper(value: str) -> str:
    return to_text_or_empty(value).upper()


def _trim(value: str) -> str:
    return to_text_or_empty(value).strip()


def _replace(value: str, old: str, new: str) -> str:
    text = to_text_or_empty(value)
    if len(text) + text.count(old) * len(new) > MAX_TEXT:
        raise ValueError("replace makes this text too long")
    return text.replace(old, new)


def _split(value: str, separator: str = ",") -> list[str]:
    text = to_text_or_empty(value)
    return text.split(separator) if text else []


def _join(value: list[Any], separator: str = ",") -> str:
    if len(value) * len(separator) > MAX_TEXT:
        raise ValueError("join makes this text too long")
    return separator.join(map(to_text_or_empty, value))


def _round(value: float, digits: int = 0) -> float:
    return round(value, digits) if digits else round(value)


def _tojson(value: Any) -> str:
    if isinstance(value, VERBATIM_TYPES):
        return value.text
    return json.dumps(unwrap_verbatim(value), ensure_ascii=False)


def _fromjson(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # already parsed
    try:
        return parse_json(value)
    except ValueError as error:
        raise ValueError(f"fromjson cannot read this text: {error}") from None


_OF_VALUES: dict[str, Callable[..., Any]] = {
    "raw": _raw,
    "lower": _lower,
    "upper": _upper,
    "trim": _trim,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "length": len,
    "first": lambda value: value[0],
    "last": lambda value: value[-1],
    "sort": sorted,
    "min": min,
    "max": max,
    "sum": sum,
    "round": _round,
    "int": int,
    "float": float,
    "tojson": _tojson,
    "fromjson": _fromjson,
}
FILTERS = {
    "default": _default,
    **{name: _strict(function) for name, function in _OF_VALUES.items()},
}
