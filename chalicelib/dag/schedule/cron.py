"""The expressions of `schedule`: cron, the names with @, and `@every`.

croniter reads cron and finds the matching local times; it is only ever given naive ones. What
becomes of them when clocks are changed is decided here, because croniter fires a fixed time twice
where the local time exists twice:

- A fixed time fires once: the first of the two, or right after the gap that swallows it.
- Where the minute or the hour begins with `*` or names all that there are, as 0-59 does, the
  expression follows real time and fires in both passes. With every hour, what falls into a gap is
  left out: the next hour follows.
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
# croniter's H and R ask for a hash or a random number: the fire times would differ each time.
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
    """The expression cannot be used; the message says why and what is possible."""


class Expression(Protocol):
    """The fire times of one expression, without regard to start and end dates."""

    def after(self, moment: datetime) -> datetime | None:
        """The first fire time strictly after `moment`, in UTC."""

    def before(self, moment: datetime) -> datetime | None:
        """The last fire time strictly before `moment`, in UTC."""


class Every:
    """`@every`: `interval` apart, one of them at `anchor`, without end in both directions."""

    def __init__(self, interval: timedelta, anchor: datetime) -> None:
        self._interval = interval
        self._anchor = anchor

    def after(self, moment: datetime) -> datetime | None:
        return self._at((moment - self._anchor) // self._interval + 1)

    def before(self, moment: datetime) -> datetime | None:
        return self._at(-((self._anchor - moment) // self._interval) - 1)

    def _at(self, count: int) -> datetime | None:
        try:
            return self._anchor + count * self._interval
        except OverflowError:
            return None


class Cron:
    """A cron expression on the clocks of a zone."""

    def __init__(self, text: str, zone: ZoneInfo) -> None:
        self._cron = _read(text)
        self._zone = zone
        minute, hour = text.split()[:2]
        expanded = self._cron.expanded
        self._every_hour = expanded[1] == ["*"]
        self._real_time = (
            self._every_hour or expanded[0] == ["*"] or minute[0] == "*" or hour[0] == "*"
        )

    def after(self, moment: datetime) -> datetime | None:
        try:
            local = moment.astimezone(self._zone)
            wall = local.replace(tzinfo=None, fold=0, microsecond=0)
            found = [self._first(start, moment) for start in self._starts(wall, local.fold)]
        except (CroniterBadDateError, OverflowError, ValueError):
            return None  # beyond the last year there is
        return min(found)

    def before(self, moment: datetime) -> datetime | None:
        try:
            local = moment.astimezone(self._zone)
            wall = local.replace(tzinfo=None, fold=0)
            found = [self._last(end, moment) for end in self._ends(wall, local.fold)]
        except (CroniterBadDateError, OverflowError, ValueError):
            return None
        return max(found)

    def _starts(self, wall: datetime, fold: int) -> list[datetime]:
        """Local times behind which the next fire time may be found, from the moment at `wall`."""
        shift = clock_change_at(wall, self._zone)
        if shift is None or shift.is_gap or fold or not self._real_time:
            return [wall]
        return [wall, shift.new - SECOND]  # the second pass begins earlier on the clock

    def _ends(self, wall: datetime, fold: int) -> list[datetime]:
        """Local times ahead of which the fire time before the moment at `wall` may be found."""
        up = wall if not wall.microsecond else wall.replace(microsecond=0) + SECOND
        shift = clock_change_at(wall, self._zone) if fold else None
        if shift is None:
            return [up]
        return [up, shift.old] if self._real_time else [shift.old]

    def _first(self, wall: datetime, moment: datetime) -> datetime:
        while True:
            wall = copy.copy(self._cron).get_next(datetime, start_time=wall)
            shift = clock_change_at(wall, self._zone)
            for fire in self._moments(wall, shift):
                if fire > moment:
                    return fire
            # In one step, for an expression may name every second of the hour.
            if shift:
                wall = max(shift.new, shift.old) - SECOND

    def _last(self, wall: datetime, moment: datetime) -> datetime:
        while True:
            wall = copy.copy(self._cron).get_prev(datetime, start_time=wall)
            shift = clock_change_at(wall, self._zone)
            for fire in reversed(self._moments(wall, shift)):
                if fire < moment:
                    return fire
            if shift:
                wall = min(shift.new, shift.old)

    def _moments(self, wall: datetime, shift: ClockChange | None) -> list[datetime]:
        """The moments, in order, at which the local time `wall` fires: none, one or two."""
        if shift is None:
            return [to_utc(wall, self._zone)]
        if shift.is_gap:
            return [] if self._every_hour else [shift.at]
        passes = (0, 1) if self._real_time else (0,)
        return [to_utc(wall, self._zone, fold) for fold in passes]


@lru_cache(maxsize=4096)
def compile_expression(text: str, zone: str = "UTC", anchor: datetime = EPOCH) -> Expression:
    """Read one expression of a `schedule`. `anchor` is what `@every` counts from.

    Raises BadSchedule; also for a cron expression that never fires.
    """
    if text.startswith(EVERY):
        return Every(_interval(text), anchor)
    if text.startswith("@") and text not in CRON_PRESETS:
        raise BadSchedule(f"{quote(text)} is not known; there are {_WORDS}")
    return Cron(CRON_PRESETS.get(text, text), ZoneInfo(zone))


def _interval(text: str) -> timedelta:
    try:
        seconds = parse_duration(text.removeprefix(EVERY).strip())
    except BadDuration as error:
        raise BadSchedule(f"{quote(text)} has no duration: {error}") from None
    if not 1 <= seconds <= MAX_INTERVAL_SECONDS:
        raise BadSchedule(f"{quote(text)} is out of range: at least 1s, at most 366d")
    return timedelta(seconds=seconds)


def _read(text: str) -> croniter:
    """The expression in croniter's hands, once it is sure to fire at some time."""
    fields = text.split()
    if len(fields) not in (5, 6) or not _ALPHABET.fullmatch(text):
        raise BadSchedule(
            f"{quote(text)} is no schedule: write five cron fields (minute, hour, day, month, "
            f"weekday), a sixth for seconds, or one of {_WORDS}"
        )
    for index, field in enumerate(fields):
        _check_field(index, field)
    _check_days(fields)
    try:
        cron = croniter(text, datetime(2000, 1, 1))  # noqa: DTZ001  a local time
        copy.copy(cron).get_next(datetime)
    except CroniterBadDateError:
        raise BadSchedule(f"{quote(text)} never fires: there is no such day") from None
    except CroniterError:
        raise BadSchedule(f"{quote(text)} is no cron expression that can be read") from None
    return cron


def _number_of(word: str) -> str:
    word = word.lower().lstrip("0") or "0"
    return _NUMBERS.get(word, word)


def _check_days(fields: list[str]) -> None:
    """Of two restricted day fields either may match, as in Airflow and cron. Refused is what means
    something else to one of them, or to croniter."""
    day, weekday = fields[2], fields[4]
    if day in _ANY or weekday in _ANY:
        return
    both = (
        f"the schedule cannot have both the day of the month {quote(day)} and the weekday "
        f"{quote(weekday)}"
    )
    # croniter then looks at one of them alone.
    if "#" in weekday or "l" in weekday.lower() or "w" in day.lower():
        raise BadSchedule(f"{both}: make it a list of two schedules")
    if day.startswith(_ANY) or weekday.startswith(_ANY):
        raise BadSchedule(f"{both}, for cron {_spellings(fields)}")


def _spellings(fields: list[str]) -> str:
    """What `*/2` beside another day field may mean, and how each of the two is written."""
    by_day, by_weekday = ([*fields], [*fields])
    by_day[4] = by_weekday[2] = "*"
    days = croniter.expand(" ".join(by_weekday[:5]))[0][4]
    digits = "0-6" if "*" in days else "".join(map(str, days))
    test = f"date -d \"$DS\" +%w | grep -q '[{digits}]'"
    return (
        "would wait for both to match and Airflow for either: "
        f"for either write the list [{quote(' '.join(by_day))}, {quote(' '.join(by_weekday))}], "
        f"for both {quote(' '.join(by_day))} with `when: {test}` at the tasks"
    )


def _check_field(index: int, field: str) -> None:
    alone = ["*"] * 6
    alone[index] = field
    name, allowed = _FIELDS[index]
    for low, high in _RANGE.findall(field):
        # Other crons read one value, croniter the whole cycle.
        if _number_of(low) == _number_of(high):
            raise BadSchedule(
                f"the {name} field {quote(field)} of the schedule has a range of one: write {low}"
            )
    if not _RANDOM.match(field) and croniter.is_valid(" ".join(alone)):
        return
    raise BadSchedule(f"the {name} field {quote(field)} of the schedule is not valid: {allowed}")
