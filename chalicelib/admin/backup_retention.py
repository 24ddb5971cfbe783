"""Which backups to keep: the newest of each of the last few days, weeks and months."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.utils.time import as_utc


@dataclass(frozen=True, slots=True)
class Rule:
    """Number of days, ISO weeks and months to keep the newest backup of each. Periods in UTC."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 12


def kept(times: Iterable[datetime], rule: Rule) -> set[datetime]:
    """Return which of the backups taken at `times` (aware) to keep, always including the newest.

    Periods without a backup do not count, so that after a long silence the old ones are still
    there. Raises ValueError for a naive datetime.
    """
    newest_first = sorted(map(as_utc, times), reverse=True)
    chosen = set(newest_first[:1])
    for count, period in ((rule.daily, _day), (rule.weekly, _week), (rule.monthly, _month)):
        chosen |= _newest_of_each(newest_first, period, count)
    return chosen


def _newest_of_each(
    newest_first: list[datetime], period: Callable[[datetime], tuple[int, ...]], count: int
) -> set[datetime]:
    newest: dict[tuple[int, ...], datetime] = {}
    for time in newest_first:
        newest.setdefault(period(time), time)
    return set(list(newest.values())[:count])


def _day(time: datetime) -> tuple[int, ...]:
    return time.year, time.month, time.day


def _week(time: datetime) -> tuple[int, ...]:
    return tuple(time.isocalendar())[:2]


def _month(time: datetime) -> tuple[int, ...]:
    return time.year, time.month
