"""Durations: a number of seconds, or text such as `30s`, `5m`, `1h30m`, `2d`."""

from __future__ import annotations

import re

NUMBER = r"\d{1,9}(?:\.\d{1,6})?"
PATTERN = rf"^(?:{NUMBER}|(?=.)(?:{NUMBER}d)?(?:{NUMBER}h)?(?:{NUMBER}m)?(?:{NUMBER}s)?)$"
"""Matches all text that `parse_duration` accepts. Also valid in a JSON Schema."""

_FORM = re.compile(PATTERN, re.ASCII)
_PART = re.compile(r"([0-9.]+)([dhms])")
_MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}


class BadDuration(ValueError):
    """The text is not a duration; the message says what to write."""


def parse_duration(text: str) -> float:
    """Return the duration in seconds, exact to the microsecond. Raises BadDuration."""
    if not _FORM.fullmatch(text):
        raise BadDuration(
            "write a number of seconds, or text such as 30s, 5m, 1h30m or 2d with the largest "
            "unit first"
        )
    parts = _PART.findall(text) or [(text, "s")]
    return sum(round(float(number) * _MICROSECONDS[unit]) for number, unit in parts) / 1_000_000


def format_duration(seconds: float) -> str:
    """Format seconds as text such as `1h30m`, or `0s` for zero."""
    rest = round(seconds * 1_000_000)
    text = ""
    for unit, size in _MICROSECONDS.items():
        count, rest = divmod(rest, size)
        if count or (unit == "s" and (rest or not text)):
            fraction = f".{rest:06d}".rstrip("0") if unit == "s" and rest else ""
            text += f"{count}{fraction}{unit}"
    return text
