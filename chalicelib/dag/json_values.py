"""Values of JSON: numbers that keep the spelling in which somebody wrote them, and a bounded depth.

`3.10` is a version, `1.50` a price: whoever wrote them wants to find them again, but as a number of
JSON they come out as 3.1 and 1.5. So a number that JSON would write differently is kept as text.
On its way there, while it is not known whether a number is wanted, it is a `WrittenNumber`.
"""

from __future__ import annotations

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


class WrittenNumber(float):
    """A number whose `text` some writer or reader of JSON would change."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> WrittenNumber:
        made = super().__new__(cls, text)
        made.text = text
        return made


def parse_number(text: str) -> int | float:
    """The number that JSON has in `text`: a WrittenNumber where it would be written differently.

    Raises ValueError for what is no number, or too large for one.
    """
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise ValueError(f"{shown} is no number within range: put it in quotation marks")
    number = int(text) if text.lstrip("-").isdecimal() else float(text)
    is_exact = isinstance(number, float) or abs(number) <= _LARGEST
    return number if is_exact and str(number) == text else WrittenNumber(text)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_of(value: Any) -> int | float | None:
    """The value of a number, or of a text that was kept for the spelling of one; else None."""
    if isinstance(value, str):
        try:
            number = parse_number(value)
        except ValueError:
            return None
        return number if isinstance(number, WrittenNumber) else None
    return value if is_number(value) else None


def whole(number: float) -> int:
    """A whole number as such: 5 for 5.0 and for 5e0."""
    return int(Decimal(number.text) if isinstance(number, WrittenNumber) else number)


def as_written(value: Any) -> Any:
    """A value of JSON in which each number that would change on its way is text instead."""
    if isinstance(value, WrittenNumber):
        return value.text
    if isinstance(value, list | tuple):
        return [as_written(item) for item in value]
    if isinstance(value, dict):
        return {key: as_written(item) for key, item in value.items()}
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
