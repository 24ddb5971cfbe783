"""JSON values whose numbers keep their spelling, with a bounded depth.

`3.10` is a version and `1.50` a price, but JSON numbers would turn them into 3.1 and 1.5. So a
number that JSON would write differently is kept as text. While it is not known yet whether a number
or text is wanted, it is a `VerbatimNumber`.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MAX_DIGITS = 300
_LARGEST = 2**53
"""The largest whole number that browsers read exactly."""

MAX_DEPTH = 64
"""How deep lists and objects can be nested in one value, such as an output."""
_TOO_DEEP = f"lists and objects are nested more than {MAX_DEPTH} levels deep"


class VerbatimNumber(float):
    """A number whose spelling, `text`, would not survive JSON."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> VerbatimNumber:
        number = super().__new__(cls, text)
        number.text = text
        return number


class VerbatimList(list[Any]):
    """A list that keeps the JSON `text` it was read from."""

    __slots__ = ("text",)
    text: str


class VerbatimDict(dict[str, Any]):
    """An object that keeps the JSON `text` it was read from."""

    __slots__ = ("text",)
    text: str


VERBATIM_TYPES = (VerbatimNumber, VerbatimList, VerbatimDict)


def parse_verbatim(text: str) -> Any:
    """Parse `text` if it is a JSON number, list, object, `true` or `false`; else return it.

    The result keeps the original spelling.
    """
    if text in ("true", "false"):
        return text == "true"
    if not text[:1].isspace() and not text[-1:].isspace() and text[:1] in "-0123456789[{":
        try:
            value = parse_json(text)
        except ValueError:
            return text
        if isinstance(value, list | dict):
            verbatim = VerbatimList(value) if isinstance(value, list) else VerbatimDict(value)
            verbatim.text = text
            return verbatim
        return value
    return text


def parse_json(text: str) -> Any:
    """Parse JSON, with numbers as `parse_number` reads them.

    Raises ValueError, also if the value is nested more than `MAX_DEPTH` levels deep.
    """
    try:
        value = json.loads(
            text, parse_int=parse_number, parse_float=parse_number, parse_constant=_no_constant
        )
        json.dumps(value, ensure_ascii=False).encode()  # rejects half of a surrogate pair
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if is_deeper_than(value, MAX_DEPTH):
        raise ValueError(_TOO_DEEP)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def parse_number(text: str) -> int | float:
    """Parse a JSON number. Returns a VerbatimNumber if JSON would write it differently.

    Raises ValueError if `text` is not a number or is out of range.
    """
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise ValueError(f"{shown} is not a number within range: put it in quotation marks")
    number = int(text) if text.lstrip("-").isdecimal() else float(text)
    is_exact = isinstance(number, float) or abs(number) <= _LARGEST
    return number if is_exact and str(number) == text else VerbatimNumber(text)


def is_number(value: Any) -> bool:
    """Whether the value is a number. Booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def to_number(value: Any) -> int | float | None:
    """Return a number, or the number in text that keeps the spelling of one; else None."""
    if isinstance(value, str):
        try:
            number = parse_number(value)
        except ValueError:
            return None
        return number if isinstance(number, VerbatimNumber) else None
    return value if is_number(value) else None


def to_int(number: float) -> int:
    """Convert a whole number to int: 5.0 and 5e0 to 5."""
    return int(Decimal(number.text) if isinstance(number, VerbatimNumber) else number)


def unwrap_verbatim(value: Any) -> Any:
    """Replace every VerbatimNumber in a JSON value by its text."""
    if isinstance(value, VerbatimNumber):
        return value.text
    if isinstance(value, list | tuple):
        return [unwrap_verbatim(item) for item in value]
    if isinstance(value, dict):
        return {key: unwrap_verbatim(item) for key, item in value.items()}
    return value


def is_deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and mappings are nested more than `levels` deep in the value."""
    if not isinstance(value, list | tuple | dict):
        return False
    layer = [value]
    for _ in range(levels + 1):
        nested = [part for part in layer if isinstance(part, list | tuple | dict)]
        layer = [
            inner
            for part in nested
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
        if not nested:
            return False
    return True
