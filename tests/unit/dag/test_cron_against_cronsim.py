"""Fire times against cronsim, which shares no code with croniter.

cronsim finds the local times; what becomes of them when clocks are changed is read once more from
the rules, one local time after the other. `DAG_CAMPAIGN=1` looks at many more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.cron import BadSchedule, compile_expression
from chalicelib.dag.schedule.fire_times import fire_times, previous_fire_time

EXAMPLES = 20_000 if "DAG_CAMPAIGN" in os.environ else 250
COUNT = 12
YEARS = [*range(2037, 1974, -1)]
ZONES = sorted(available_timezones() - {"localtime", "Factory", "posixrules"})
CHANGING = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns"]
WHERE = st.one_of(st.sampled_from(CHANGING), st.sampled_from(CHANGING), st.sampled_from(ZONES))
# The longest that clocks were ever moved at once is a day, over the date line.
MARGIN = timedelta(hours=30)


def terms(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    steps = st.integers(1, max(2, (high - low) // 2))
    ranges = st.tuples(numbers, numbers).filter(lambda ends: ends[0] != ends[1]).map(sorted)
    return st.one_of(
        numbers.map(str),
        st.builds("{0[0]}-{0[1]}".format, ranges),
        st.builds("{0[0]}-{0[1]}/{1}".format, ranges, steps),
    )


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    steps = st.integers(1, max(2, (high - low) // 2)).map("*/{}".format)
    lists = st.lists(terms(low, high), min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), steps, lists)


WEEKDAY_NAMES = st.sampled_from(["mon", "MON-FRI", "sat,Sun", "fri,1", "MON-SAT/2"])
# All kinds of days, and both at once in every spelling that is taken: either may match.
DAY_LISTS = st.lists(terms(1, 31), min_size=1, max_size=3).map(",".join)
DAYS_OF_MONTH = st.one_of(DAY_LISTS, st.sampled_from(["1-31", "L", "31", "1-31/2", "29-31"]))
WEEKDAYS = st.one_of(
    st.lists(terms(0, 7), min_size=1, max_size=3).map(",".join),
    WEEKDAY_NAMES,
    st.sampled_from(["0-6", "1-7", "0-7", "7", "5-7"]),
)
DAYS = st.one_of(
    st.tuples(fields(1, 28), st.just("*")),
    st.tuples(st.just("*"), fields(0, 6)),
    st.tuples(st.just("*"), WEEKDAYS),
    st.tuples(DAYS_OF_MONTH, WEEKDAYS),
    st.tuples(DAYS_OF_MONTH, WEEKDAYS),
)
EXPRESSIONS = st.builds(
    lambda minute, hour, days, month: f"{minute} {hour} {days[0]} {month} {days[1]}",
    fields(0, 59),
    fields(0, 23),
    DAYS,
    st.one_of(st.just("*"), st.just("*"), fields(1, 12)),
)
# What is due within the hours in which clocks are changed.
TIMES = st.builds(
    "{} {} * * *".format,
    st.sampled_from(["30", "15,45", "*/20", "7-59/13", "0", "*"]),
    st.sampled_from(["*", "1-3", "2", "0-23", "*/2", "0", "23"]),
)


@lru_cache(maxsize=1024)
def changes(zone: str, year: int) -> tuple[datetime, ...]:
    """Return when the clocks of a zone change in a year."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    near = (n for n in range(1, len(days)) if offsets[n] != offsets[n - 1])
    return tuple(end_of_gap(days[n - 1], days[n], ZoneInfo(zone)) for n in near)


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Mostly shortly before a change of clocks, where there is one."""
    year = draw(st.sampled_from(YEARS))
    near = changes(zone, year)
    start = draw(st.sampled_from(near)) if near else datetime(year, 3, 1, tzinfo=UTC)
    ahead = st.one_of(st.sampled_from(range(-150, 60, 7)), st.integers(-48 * 60, 12 * 60))
    return start + timedelta(minutes=draw(ahead), seconds=draw(st.integers(0, 59)))


def local_times(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """What cronsim finds on a clock that is never changed, from well before the moment on."""
    wall = (after - MARGIN).astimezone(zone).replace(tzinfo=None)
    yield from CronSim(expression, wall)


def moments_of(wall: datetime, zone: ZoneInfo, expression: str) -> list[datetime]:
    """Return when a local time fires, by the rules: once, twice or not at all."""
    minute, hour = expression.split()[:2]
    is_every_hour = hour in ("*", "*/1") or every(hour, 24)
    follows = minute[0] == "*" or hour[0] == "*" or is_every_hour or every(minute, 60)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return [first]
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return [first, second] if follows else [first]
    return [] if is_every_hour else [end_of_gap(second, first, zone)]


def every(field: str, size: int) -> bool:
    """Whether a list of numbers, ranges and steps names all of the field."""
    found: set[int] = set()
    for term in field.replace("*", f"0-{size - 1}").split(","):
        numbers, _, step = term.partition("/")
        low, _, high = numbers.partition("-")
        found.update(range(int(low), int(high or low) + 1, int(step or 1)))
    return len(found) == size


def end_of_gap(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The first second at which clocks show the new time; the offset before it is early's."""
    old = early.astimezone(zone).utcoffset()
    low, high = int(early.timestamp()), int(late.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        is_old = datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == old
        low, high = (middle, high) if is_old else (low, middle)
    return datetime.fromtimestamp(high, UTC)


def expected(expression: str, zone: ZoneInfo, after: datetime) -> list[datetime]:
    """The first fire times behind a moment, or all until half a century later."""
    found: set[datetime] = set()
    end = None
    for wall in local_times(expression, zone, after):
        if (end and wall > end) or wall.year > after.year + 30:
            break
        found.update(at for at in moments_of(wall, zone, expression) if at > after)
        if end is None and len(found) > COUNT:
            end = wall + MARGIN  # a later local time may still fire earlier
    return sorted(found)[:COUNT]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), st.one_of(EXPRESSIONS, TIMES, TIMES), WHERE)
def test_fire_times_match_cronsim(data: st.DataObject, expression: str, zone: str) -> None:
    after = data.draw(moments(zone))
    dag = Dag("d", "d", (), schedule=(expression,), timezone=zone)

    wanted = expected(expression, ZoneInfo(zone), after)
    found = fire_times(dag, after, len(wanted))

    assert [at.isoformat() for at in found] == [at.isoformat() for at in wanted]
    assert [previous_fire_time(dag, at) for at in found[1:]] == found[:-1]


NO_BOTH = st.one_of(
    st.tuples(fields(2, 28).filter(lambda f: f[0] == "*" != f), WEEKDAYS),
    st.tuples(DAYS_OF_MONTH, fields(0, 6).filter(lambda f: f[0] == "*" != f)),
    st.tuples(DAYS_OF_MONTH.map("*/100,{}".format), WEEKDAYS),
    st.tuples(DAYS_OF_MONTH, WEEKDAYS.map("*/7,{}".format)),
)


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(NO_BOTH)
def test_a_starred_day_field_beside_another_is_refused(days: tuple[str, str]) -> None:
    with pytest.raises(BadSchedule, match="For either, write the list"):
        compile_expression(f"0 0 {days[0]} * {days[1]}")


@pytest.mark.parametrize(
    ("refused", "either", "both"),
    [
        ("0 0 */2 * 1", ("0 0 */2 * *", "0 0 * * 1"), ("0 0 */2 * *", "1")),
        ("0 0 1-7 * */7", ("0 0 1-7 * *", "0 0 * * */7"), ("0 0 1-7 * *", "0")),
        ("5 4 */100,1-7 * MON", ("5 4 */100,1-7 * *", "5 4 * * MON"), ("5 4 */100,1-7 * *", "1")),
        ("0 0 */3 * 1-5 30", ("0 0 */3 * * 30", "0 0 * * 1-5 30"), ("0 0 */3 * * 30", "12345")),
    ],
)
def test_both_spellings_of_a_starred_day_field_are_suggested_and_right(
    refused: str, either: tuple[str, str], both: tuple[str, str]
) -> None:
    with pytest.raises(BadSchedule) as caught:
        compile_expression(refused)

    told = str(caught.value)
    assert f"For either, write the list ['{either[0]}', '{either[1]}']" in told
    test = f"date -d \"$DS\" +%w | grep -q '[{both[1]}]'"
    assert f"for both, write '{both[0]}' and add `when: {test}` to the tasks" in told
    dag = Dag("d", "d", (), schedule=either)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = [at for at in fire_times(dag, start, 40) if at.strftime("%w") in both[1]]
    both_days = [
        at for at in found if at in fire_times(replace(dag, schedule=both[:1]), start, 400)
    ]
    *time, second = (*refused.split(), "0")[:6]
    cron = CronSim(f"{second} {' '.join(time[:5])}", start)
    assert both_days == [next(cron) for _ in both_days]
    assert both_days


@pytest.mark.parametrize(
    "expression",
    ["0 0 15W * 1", "0 0 1w * mon-fri", "0 0 15W * 1 30", "0 0 1 * 1#2", "0 0 15 * L5"],
)
def test_a_special_day_beside_the_other_field_is_refused(expression: str) -> None:
    with pytest.raises(BadSchedule, match="write a list of two schedules"):
        compile_expression(expression)


@pytest.mark.parametrize(
    ("expression", "same"),
    [
        ("0 0 15W * ?", "0 0 15W * *"),
        ("0 0 ? * 1#2", "0 0 * * 1#2"),
        ("5 0-23 * * *", "5 * * * *"),
        ("0-59 3 * * *", "* 3 * * *"),
        ("0 0 * * 0-6", "0 0 * * *"),
        ("0 0 1-31 * 1", "0 0 * * *"),
        ("0 0 1 * 1-7", "0 0 * * *"),
    ],
)
def test_two_spellings_of_one_schedule(expression: str, same: str) -> None:
    zone, start = "Europe/Berlin", datetime(2026, 3, 28, 20, tzinfo=UTC)
    dags = [Dag("d", "d", (), schedule=(text,), timezone=zone) for text in (expression, same)]

    one, other = (fire_times(dag, start, 300) for dag in dags)

    assert one == other


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(st.data(), EXPRESSIONS, fields(0, 59))
def test_seconds_come_last(data: st.DataObject, expression: str, seconds: str) -> None:
    after = data.draw(moments("UTC"))
    dag = Dag("d", "d", (), schedule=(f"{expression} {seconds}",))
    cron = CronSim(f"{seconds} {expression}", after)

    assert fire_times(dag, after, 5) == [next(cron) for _ in range(5)]
