"""The expressions of `schedule`: cron, presets such as `@daily`, and `@every`.

croniter parses cron and finds the matching local times; it is only ever given naive ones. This
module decides what clock changes do to them, because croniter fires a fixed time twice if the local
time occurs twice:

- A fixed time fires once: the first of the two, or right after the gap that skips it.
- If the minute or the hour begins with `*`, or lists every value as 0-59 does, the expression
  follows real time and fires in both passes. With every hour, times in a gap do not fire: the next
  hour follows.
"""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter

from chalicelib.dag.problems import quote
from chalicelib.dag.schedule.clock_changes import SECOND, ClockChange, clock_change_at, to_utc
from chalicelib.dag.schedule.durations import BadDuration, parse_duration

CRON_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
EVERY = "@every"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_INTERVAL_SECONDS = 366 * 86_400

_WORDS = ", ".join([*CRON_PRESETS, "@every 10s"])
_FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of the month", "1-31"),
    ("month", "1-12 or jan-dec"),
    ("day of the week", "0-7 or sun-sat"),
    ("second", "0-59"),
)
# croniter's H and R stand for a hash or a random number: the fire times would change every time.
_RANDOM = re.compile(r"[hr](?:[(/]|$)", re.IGNORECASE)
_NUMBERS = {
    name: str(number)
    for names, first in (
        ("sun mon tue wed thu fri sat", 0),
        ("jan feb mar apr may jun jul aug sep oct nov dec", 1),
    )
    for number, name in enumerate(names.split(), first)
}
_ANY = ("*", "?")
_RANGE = re.compile(r"(\w+)-(\w+)")
_ALPHABET = re.compile(r"[0-9A-Za-z*/,\-#?\s]{1,200}")


class BadSchedule(ValueError):
    """The expression cannot be used; the message says why, and what to write instead."""


class Expression(Protocol):
    """The fire times of an expression, regardless of start and end dates."""

    def after(self, time: datetime) -> datetime | None:
        """Return the first fire time strictly after `time`, in UTC."""

    def before(self, time: datetime) -> datetime | None:
        """Return the last fire time strictly before `time`, in UTC."""


class Every:
    """The fire times of `@every`: `interval` apart, before and after `anchor`."""

    def __init__(self, interval: timedelta, anchor: datetime) -> None:
        self._interval = interval
        self._anchor = anchor

    def after(self, time: datetime) -> datetime | None:
        return self._at((time - self._anchor) // self._interval + 1)

    def before(self, time: datetime) -> datetime | None:
        return self._at(-((self._anchor - time) // self._interval) - 1)

    def _at(self, count: int) -> datetime | None:
        try:
            return self._anchor + count * self._interval
        except OverflowError:
            return None


class Cron:
    """The fire times of a cron expression in a time zone."""

    def __init__(self, text: str, zone: ZoneInfo) -> None:
        self._cron = _read(text)
        self._zone = zone
        minute, hour = text.split()[:2]
        expanded = self._cron.expanded
        self._every_hour = expanded[1] == ["*"]
        self._follows_real_time = (
            self._every_hour or expanded[0] == ["*"] or minute[0] == "*" or hour[0] == "*"
        )

    def after(self, time: datetime) -> datetime | None:
        try:
            local = time.astimezone(self._zone)
            wall = local.replace(tzinfo=None, fold=0, microsecond=0)
            times = [self._first(start, time) for start in self._starts(wall, local.fold)]
        except (CroniterBadDateError, OverflowError, ValueError):
            return None  # past the last year of the calendar
        return min(times)

    def before(self, time: datetime) -> datetime | None:
        try:
            local = time.astimezone(self._zone)
            wall = local.replace(tzinfo=None, fold=0)
            times = [self._last(end, time) for end in self._ends(wall, local.fold)]
        except (CroniterBadDateError, OverflowError, ValueError):
            return None
        return max(times)

    def _starts(self, wall: datetime, fold: int) -> list[datetime]:
        """Return the local times after which to search for the next fire time after `wall`."""
        change = clock_change_at(wall, self._zone)
        if change is None or change.is_gap or fold or not self._follows_real_time:
            return [wall]
        return [wall, change.new - SECOND]  # the second pass starts at an earlier local time

    def _ends(self, wall: datetime, fold: int) -> list[datetime]:
        """Return the local times before which to search for the last fire time before `wall`."""
        up = wall if not wall.microsecond else wall.replace(microsecond=0) + SECOND
        change = clock_change_at(wall, self._zone) if fold else None
        if change is None:
            return [up]
        return [up, change.old] if self._follows_real_time else [change.old]

    def _first(self, wall: datetime, time: datetime) -> datetime:
        while True:
            wall = copy.copy(self._cron).get_next(datetime, start_time=wall)
            change = clock_change_at(wall, self._zone)
            for fire in self._fire_times(wall, change):
                if fire > time:
                    return fire
            # Skip it at once, because an expression may fire every second of the hour.
            if change:
                wall = max(change.new, change.old) - SECOND

    def _last(self, wall: datetime, time: datetime) -> datetime:
        while True:
            wall = copy.copy(self._cron).get_prev(datetime, start_time=wall)
            change = clock_change_at(wall, self._zone)
            for fire in reversed(self._fire_times(wall, change)):
                if fire < time:
                    return fire
            if change:
                wall = min(change.new, change.old)

    def _fire_times(self, wall: datetime, change: ClockChange | None) -> list[datetime]:
        """Return the times, in order, at which the local time `wall` fires: none, one or two."""
        if change is None:
            return [to_utc(wall, self._zone)]
        if change.is_gap:
            return [] if self._every_hour else [change.at]
        passes = (0, 1) if self._follows_real_time else (0,)
        return [to_utc(wall, self._zone, fold) for fold in passes]


@lru_cache(maxsize=4096)
def compile_expression(text: str, zone: str = "UTC", anchor: datetime = EPOCH) -> Expression:
    """Compile an expression of `schedule`. `anchor` is the time from which `@every` counts.

    Raises BadSchedule, also for a cron expression that never fires.
    """
    if text.startswith(EVERY):
        return Every(_interval(text), anchor)
    if text.startswith("@") and text not in CRON_PRESETS:
        raise BadSchedule(f"unknown schedule {quote(text)}; choose from {_WORDS}")
    return Cron(CRON_PRESETS.get(text, text), ZoneInfo(zone))


def _interval(text: str) -> timedelta:
    try:
        seconds = parse_duration(text.removeprefix(EVERY).strip())
    except BadDuration as error:
        raise BadSchedule(f"{quote(text)} needs a duration: {error}") from None
    if not 1 <= seconds <= MAX_INTERVAL_SECONDS:
        raise BadSchedule(f"{quote(text)} is out of range: at least 1s, at most 366d")
    return timedelta(seconds=seconds)


def _read(text: str) -> croniter:
    """Parse a cron expression. Raises BadSchedule if it is not valid or never fires."""
    fields = text.split()
    if len(fields) not in (5, 6) or not _ALPHABET.fullmatch(text):
        raise BadSchedule(
            f"{quote(text)} is not a schedule: write five cron fields (minute, hour, day, month, "
            f"weekday), a sixth for seconds, or one of {_WORDS}"
        )
    for index, field in enumerate(fields):
        _check_field(index, field)
    _check_days(fields)
    try:
        cron = croniter(text, datetime(2000, 1, 1))  # noqa: DTZ001  a local time
        copy.copy(cron).get_next(datetime)
    except CroniterBadDateError:
        raise BadSchedule(f"{quote(text)} never fires: that day does not exist") from None
    except CroniterError:
        raise BadSchedule(f"{quote(text)} is not a valid cron expression") from None
    return cron


def _number_of(word: str) -> str:
    word = word.lower().lstrip("0") or "0"
    return _NUMBERS.get(word, word)


def _check_days(fields: list[str]) -> None:
    """Refuse two restricted day fields that Airflow, cron and croniter understand differently.

    Otherwise either field may match, as in all three of them.
    """
    day, weekday = fields[2], fields[4]
    if day in _ANY or weekday in _ANY:
        return
    both = (
        f"the schedule cannot combine the day of the month {quote(day)} with the weekday "
        f"{quote(weekday)}"
    )
    # croniter would ignore one of the two fields.
    if "#" in weekday or "l" in weekday.lower() or "w" in day.lower():
        raise BadSchedule(f"{both}: write a list of two schedules")
    if day.startswith(_ANY) or weekday.startswith(_ANY):
        raise BadSchedule(f"{both}: {_spellings(fields)}")


def _spellings(fields: list[str]) -> str:
    """Explain the two meanings of `*/2` beside another day field, and how to write each."""
    by_day, by_weekday = ([*fields], [*fields])
    by_day[4] = by_weekday[2] = "*"
    days = croniter.expand(" ".join(by_weekday[:5]))[0][4]
    digits = "0-6" if "*" in days else "".join(map(str, days))
    test = f"date -d \"$DS\" +%w | grep -q '[{digits}]'"
    return (
        "cron would require both to match, Airflow either of them. "
        f"For either, write the list [{quote(' '.join(by_day))}, {quote(' '.join(by_weekday))}]; "
        f"for both, write {quote(' '.join(by_day))} and add `when: {test}` to the tasks"
    )


def _check_field(index: int, field: str) -> None:
    alone = ["*"] * 6
    alone[index] = field
    name, allowed = _FIELDS[index]
    for low, high in _RANGE.findall(field):
        # Other implementations read a single value, croniter the whole cycle.
        if _number_of(low) == _number_of(high):
            raise BadSchedule(
                f"the {name} field {quote(field)} of the schedule is a range of one value: "
                f"write {low}"
            )
    if not _RANDOM.match(field) and croniter.is_valid(" ".join(alone)):
        return
    raise BadSchedule(
        f"the {name} field {quote(field)} of the schedule is not valid: use {allowed}"
    )
