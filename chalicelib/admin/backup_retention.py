"""Which backups to keep: the newest of each of the last few days, weeks and months."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.utils.time import as_utc


@dataclass(frozen=True, slots=True)
class Rule:
    """How many days, ISO weeks and months; of each period, in UTC, the newest backup is kept."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 12


def kept(moments: Iterable[datetime], rule: Rule) -> set[datetime]:
    """Those to be kept of backups taken at `moments` (aware). The newest is always among them.

    Periods without a backup do not count, so that after a long silence the old ones are still
    there. Raises ValueError for a naive datetime.
    """
    newest_first = sorted(map(as_utc, moments), reverse=True)
    chosen = set(newest_first[:1])
    for count, period in ((rule.daily, _day), (rule.weekly, _week), (rule.monthly, _month)):
        chosen |= _newest_of_each(newest_first, period, count)
    return chosen


def _newest_of_each(
    newest_first: list[datetime], period: Callable[[datetime], tuple[int, ...]], count: int
) -> set[datetime]:
    newest: dict[tuple[int, ...], datetime] = {}
    for moment in newest_first:
        newest.setdefault(period(moment), moment)
    return set(list(newest.values())[:count])


def _day(moment: datetime) -> tuple[int, ...]:
    return moment.year, moment.month, moment.day


def _week(moment: datetime) -> tuple[int, ...]:
    return tuple(moment.isocalendar())[:2]


def _month(moment: datetime) -> tuple[int, ...]:
    return moment.year, moment.month
