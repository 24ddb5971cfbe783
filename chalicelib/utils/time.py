"""Reads and writes times in UTC. Every datetime is aware; a naive one raises ValueError, because
its time zone is unknown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


def utc_now() -> datetime:
    """The `Clock` of production."""
    return datetime.now(UTC)


def as_utc(time: datetime) -> datetime:
    """Convert to UTC. Raises ValueError for a naive datetime."""
    if time.utcoffset() is None:
        raise ValueError(f"{time!r} has no time zone; pass an aware datetime")
    return time.astimezone(UTC)


@overload
def iso(time: datetime) -> str: ...
@overload
def iso(time: None) -> None: ...
def iso(time: datetime | None) -> str | None:
    """`2026-11-23T10:00:00Z`, with six decimals where there is a fraction; None stays None."""
    if time is None:
        return None
    if time.tzinfo is not UTC:
        time = as_utc(time)
    return time.isoformat()[:-6] + "Z"


def parse_iso(text: str) -> datetime:
    """An ISO 8601 date and time with an offset or `Z`, as UTC. Raises ValueError."""
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a date and time with a zone: write it as 2026-11-23T10:00:00Z or with"
            " an offset"
        ) from None
