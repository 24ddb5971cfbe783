"""Durations as people write them: seconds, or text such as `30s`, `5m`, `1h30m`, `2d`."""

from __future__ import annotations

import re

NUMBER = r"\d{1,9}(?:\.\d{1,6})?"
PATTERN = rf"^(?:{NUMBER}|(?=.)(?:{NUMBER}d)?(?:{NUMBER}h)?(?:{NUMBER}m)?(?:{NUMBER}s)?)$"
"""Matches every text that `parse_duration` reads; also valid in a JSON Schema."""

_FORM = re.compile(PATTERN, re.ASCII)
_PART = re.compile(r"([0-9.]+)([dhms])")
_MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}


class BadDuration(ValueError):
    """The text is no duration; the message says what one looks like."""


def parse_duration(text: str) -> float:
    """The seconds that `text` means, exact to the microsecond. Raises BadDuration."""
    if not _FORM.fullmatch(text):
        raise BadDuration(
            "a duration is a number of seconds or text such as 30s, 5m, 1h30m or 2d, "
            "the largest unit first"
        )
    parts = _PART.findall(text) or [(text, "s")]
    return sum(round(float(number) * _MICROSECONDS[unit]) for number, unit in parts) / 1_000_000


def format_duration(seconds: float) -> str:
    """`seconds` as `parse_duration` reads them, such as `1h30m`; `0s` for nothing."""
    left = round(seconds * 1_000_000)
    text = ""
    for unit, size in _MICROSECONDS.items():
        count, left = divmod(left, size)
        if count or (unit == "s" and (left or not text)):
            fraction = f".{left:06d}".rstrip("0") if unit == "s" and left else ""
            text += f"{count}{fraction}{unit}"
    return text
