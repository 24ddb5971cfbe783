"""Values of JSON: numbers that keep the spelling in which somebody wrote them, and a bounded depth.

`3.10` is a version, `1.50` a price: whoever wrote them wants to find them again, but as a number of
JSON they come out as 3.1 and 1.5. So a number that JSON would write differently is kept as text.
On its way there, while it is not known whether a number is wanted, it is a `VerbatimNumber`.
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
"""Browsers read a larger whole number as another one."""

MAX_DEPTH = 64
"""Of lists and objects in one value, as in an output: readers have only so much stack."""
_TOO_DEEP = f"lists and objects are nested more than {MAX_DEPTH} deep"


class VerbatimNumber(float):
    """A number whose `text` some writer or reader of JSON would change."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> VerbatimNumber:
        made = super().__new__(cls, text)
        made.text = text
        return made


class VerbatimList(list[Any]):
    """A list that knows the `text` it was written as."""

    __slots__ = ("text",)
    text: str


class VerbatimDict(dict[str, Any]):
    """The same of an object."""

    __slots__ = ("text",)
    text: str


VERBATIM_TYPES = (VerbatimNumber, VerbatimList, VerbatimDict)


def parse_verbatim(text: str) -> Any:
    """`text` as JSON where templates can do more with that, and no letter of it is lost: a number,
    a list, an object, `true` or `false`. Everything else is the text itself."""
    if text in ("true", "false"):
        return text == "true"
    if not text[:1].isspace() and not text[-1:].isspace() and text[:1] in "-0123456789[{":
        try:
            value = parse_json(text)
        except ValueError:
            return text
        if isinstance(value, list | dict):
            kept = VerbatimList(value) if isinstance(value, list) else VerbatimDict(value)
            kept.text = text
            return kept
        return value
    return text


def parse_json(text: str) -> Any:
    """The value of a text in JSON, its numbers as `parse_number` reads them. Raises ValueError,
    also for one that is nested too deep."""
    try:
        value = json.loads(
            text, parse_int=parse_number, parse_float=parse_number, parse_constant=_no_constant
        )
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if is_deeper_than(value, MAX_DEPTH):
        raise ValueError(_TOO_DEEP)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def parse_number(text: str) -> int | float:
    """The number that JSON has in `text`: a VerbatimNumber where it would be written differently.

    Raises ValueError for what is no number, or too large for one.
    """
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise ValueError(f"{shown} is no number within range: put it in quotation marks")
    number = int(text) if text.lstrip("-").isdecimal() else float(text)
    is_exact = isinstance(number, float) or abs(number) <= _LARGEST
    return number if is_exact and str(number) == text else VerbatimNumber(text)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def to_number(value: Any) -> int | float | None:
    """The value of a number, or of a text that was kept for the spelling of one; else None."""
    if isinstance(value, str):
        try:
            number = parse_number(value)
        except ValueError:
            return None
        return number if isinstance(number, VerbatimNumber) else None
    return value if is_number(value) else None


def to_int(number: float) -> int:
    """A whole number as such: 5 for 5.0 and for 5e0."""
    return int(Decimal(number.text) if isinstance(number, VerbatimNumber) else number)


def unwrap_verbatim(value: Any) -> Any:
    """A value of JSON in which each number that would change on its way is text instead."""
    if isinstance(value, VerbatimNumber):
        return value.text
    if isinstance(value, list | tuple):
        return [unwrap_verbatim(item) for item in value]
    if isinstance(value, dict):
        return {key: unwrap_verbatim(item) for key, item in value.items()}
    return value


def is_deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and mappings are nested in it more than `levels` deep."""
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
