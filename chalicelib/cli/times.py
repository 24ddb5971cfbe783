"""Times and durations as people read and write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.cli.failure import USAGE, CliFailure

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400


def parse(text: str) -> datetime:
    """A time of the API's JSON."""
    return datetime.fromisoformat(text)


def instant(text: str, timezone: str | None, *, is_end: bool = False) -> str:
    """What a user typed, for the API: a date is its first second in the zone, or its last; a time
    without an offset is in the zone, or without one in the machine's own. Raises CliFailure."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CliFailure(
            f"{text!r} is no date or time: write 2026-11-01 or 2026-11-01T06:00Z", USAGE
        ) from error
    if moment.tzinfo is None:
        zone = ZoneInfo(timezone) if timezone else None
        moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    if is_end and len(text) == len("2026-11-01"):
        moment += timedelta(days=1, microseconds=-1)
    return moment.isoformat()


def local(text: str | None) -> str:
    """A time of the API in the machine's own zone, to the second."""
    return "" if text is None else parse(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def is_past(text: str) -> bool:
    """Whether a time of the API is over."""
    return parse(text) <= datetime.now(UTC)


def ago(text: str | None) -> str:
    """How long ago a time was, or when it comes."""
    if text is None:
        return ""
    seconds = (datetime.now(UTC) - parse(text)).total_seconds()
    return f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"


def size(count: int) -> str:
    """`812 B`, `3.4 KB`, `120 MB`, in steps of 1,024."""
    if count < 1024:
        return f"{count} B"
    number, units = count / 1024, ["GB", "MB", "KB"]
    while number >= 1023.5 and len(units) > 1:
        number /= 1024
        units.pop()
    return f"{number:.1f} {units[-1]}" if number < 9.95 else f"{number:.0f} {units[-1]}"


def duration(seconds: float | None) -> str:
    """`40ms`, `1.4s`, `12s`, `3m05s`, `2h07m`, `5d02h`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < MINUTE:
        return f"{seconds:.0f}s"
    whole = int(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}s"
    if whole < DAY:
        return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}m"
    return f"{whole // DAY}d{whole % DAY // HOUR:02}h"
