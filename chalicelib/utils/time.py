"""Moments, and how they are written. Every datetime here is aware; a naive one raises ValueError,
because whose clock it shows cannot be known.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


def utc_now() -> datetime:
    """The `Clock` of production."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """The same moment on UTC's clock."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone; pass an aware datetime")
    return moment.astimezone(UTC)


@overload
def iso(moment: datetime) -> str: ...
@overload
def iso(moment: None) -> None: ...
def iso(moment: datetime | None) -> str | None:
    """`2026-11-23T10:00:00Z`, with six decimals where there is a fraction; None stays None."""
    if moment is None:
        return None
    return as_utc(moment).isoformat().replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """An ISO 8601 date and time with an offset or `Z`, as UTC. Raises ValueError."""
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a moment; write it as 2026-11-23T10:00:00Z or with an offset"
        ) from None
