"""Aware moments, local clocks, and the days on which clocks are changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


def require_aware(moment: datetime) -> datetime:
    """`moment` itself; raises ValueError if it does not say which zone's clock it was read from."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} is naive: give it a time zone")
    return moment


def to_utc(wall: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    """When the clocks of `zone` show `wall`. Raises OverflowError at either end of the calendar."""
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Clocks that showed `old` were set to `new` at `at` (in UTC).

    Where `new` is later, the times from `old` up to `new` do not exist; where it is earlier, those
    from `new` up to `old` exist twice.
    """

    at: datetime
    old: datetime
    new: datetime

    @property
    def is_gap(self) -> bool:
        return self.new > self.old


def clock_change_at(wall: datetime, zone: ZoneInfo) -> ClockChange | None:
    """The change of clocks that makes the naive local time `wall` exist twice or not at all."""
    first, second = to_utc(wall, zone), to_utc(wall, zone, fold=1)
    if first == second:
        return None
    early, late = sorted((first, second))
    at = _change_between(early, late, zone)
    return ClockChange(at, old=_wall(at, early, zone), new=_wall(at, late, zone))


def _change_between(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The first second after `early` at which the offset is that of `late`."""
    # zoneinfo keeps its list of changes to itself, so it is found by halving.
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
    """What clocks show at `at` if they are set as they are at `like`."""
    offset = like.astimezone(zone).utcoffset() or timedelta()
    return at.replace(tzinfo=None) + offset
