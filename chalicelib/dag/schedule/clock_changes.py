"""Local time and clock changes: conversion to UTC, gaps, and times that occur twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


def require_aware(time: datetime) -> datetime:
    """Return `time` unchanged. Raises ValueError if it has no time zone."""
    if time.utcoffset() is None:
        raise ValueError(f"{time!r} is naive: give it a time zone")
    return time


def to_utc(wall: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    """Return the UTC time at which the clocks of `zone` show `wall`.

    Raises OverflowError at either end of the calendar.
    """
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A clock change: clocks that showed `old` were set to `new` at `at` (in UTC).

    If `new` is later, the times from `old` up to `new` do not exist. If it is earlier, those from
    `new` up to `old` occur twice.
    """

    at: datetime
    old: datetime
    new: datetime

    @property
    def is_gap(self) -> bool:
        return self.new > self.old


def clock_change_at(wall: datetime, zone: ZoneInfo) -> ClockChange | None:
    """Return the clock change that makes `wall` occur twice or not at all, or None."""
    first, second = to_utc(wall, zone), to_utc(wall, zone, fold=1)
    if first == second:
        return None
    early, late = sorted((first, second))
    at = _change_between(early, late, zone)
    return ClockChange(at, old=_wall(at, early, zone), new=_wall(at, late, zone))


def _change_between(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second after `early` that has the offset of `late`."""
    # zoneinfo does not publish its list of changes, so search for it by bisection.
    early, late = early.replace(microsecond=0), late.replace(microsecond=0)
    offset = late.astimezone(zone).utcoffset()
    while late - early > SECOND:
        middle = early + timedelta(seconds=(late - early) // SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late


def _wall(at: datetime, like: datetime, zone: ZoneInfo) -> datetime:
    """Return the local time at `at`, with the offset in force at `like`."""
    offset = like.astimezone(zone).utcoffset() or timedelta()
    return at.replace(tzinfo=None) + offset
