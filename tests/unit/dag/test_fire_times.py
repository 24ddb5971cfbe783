"""Fire times, apart from clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.cron import CRON_PRESETS, BadSchedule, compile_expression
from chalicelib.dag.schedule.fire_times import (
    fire_times,
    local_date,
    next_fire_time,
    previous_fire_time,
)

NOW = datetime(2026, 11, 23, 10, 7, 30, tzinfo=UTC)  # a Monday


def dag_of(
    *schedule: str, timezone: str = "UTC", start: str | None = None, end: str | None = None
) -> Dag:
    return Dag("d", "d", (), schedule=schedule, timezone=timezone, start_date=start, end_date=end)


def texts(moments: list[datetime]) -> list[str]:
    return [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in moments]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 * * * *", ["2026-11-23 11:00:00", "2026-11-23 12:00:00"]),
        ("@hourly", ["2026-11-23 11:00:00", "2026-11-23 12:00:00"]),
        ("@daily", ["2026-11-24 00:00:00", "2026-11-25 00:00:00"]),
        ("@weekly", ["2026-11-29 00:00:00", "2026-12-06 00:00:00"]),
        ("@monthly", ["2026-12-01 00:00:00", "2027-01-01 00:00:00"]),
        ("@yearly", ["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("*/15 9-17 * * mon-fri", ["2026-11-23 10:15:00", "2026-11-23 10:30:00"]),
        ("* * * * * */20", ["2026-11-23 10:07:40", "2026-11-23 10:08:00"]),
        ("8 10 * * * 5", ["2026-11-23 10:08:05", "2026-11-24 10:08:05"]),
        ("0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 L * *", ["2026-11-30 00:00:00", "2026-12-31 00:00:00"]),
        ("0 0 * * 5#2", ["2026-12-11 00:00:00", "2027-01-08 00:00:00"]),
        ("0 0 13 * 5", ["2026-11-27 00:00:00", "2026-12-04 00:00:00"]),
        ("@every 10s", ["2026-11-23 10:07:40", "2026-11-23 10:07:50"]),
        ("@every 1h30m", ["2026-11-23 10:30:00", "2026-11-23 12:00:00"]),
        ("@every 7d", ["2026-11-26 00:00:00", "2026-12-03 00:00:00"]),
    ],
)
def test_each_form_of_a_schedule_has_its_next_times(expression: str, expected: list[str]) -> None:
    assert texts(fire_times(dag_of(expression), NOW, 2)) == expected


@pytest.mark.parametrize(
    "expression", [*CRON_PRESETS, "*/5 * * * *", "* * * * * */20", "@every 7m"]
)
def test_the_previous_time_is_the_one_before_the_next(expression: str) -> None:
    dag = dag_of(expression)
    first, second = fire_times(dag, NOW, 2)

    assert previous_fire_time(dag, second) == first
    assert previous_fire_time(dag, second + timedelta(microseconds=1)) == second
    assert next_fire_time(dag, first - timedelta(microseconds=1)) == first


def test_a_list_fires_at_the_union_of_its_times_each_once() -> None:
    dag = dag_of("0 12 * * *", "@hourly", "@every 40m")

    assert texts(fire_times(dag, NOW, 4)) == [
        "2026-11-23 10:40:00",
        "2026-11-23 11:00:00",
        "2026-11-23 11:20:00",
        "2026-11-23 12:00:00",
    ]
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert previous_fire_time(dag, noon) == datetime(2026, 11, 23, 11, 20, tzinfo=UTC)


def test_without_a_schedule_nothing_fires() -> None:
    assert next_fire_time(dag_of(), NOW) is None
    assert previous_fire_time(dag_of(), NOW) is None
    assert fire_times(dag_of(), NOW, 5) == []


def test_the_zone_is_that_of_the_dag() -> None:
    dag = dag_of("30 9 * * *", timezone="Asia/Kathmandu")

    assert next_fire_time(dag, NOW) == datetime(2026, 11, 24, 3, 45, tzinfo=UTC)


def test_start_and_end_are_included() -> None:
    dag = dag_of("@daily", start="2026-12-01T00:00:00+00:00", end="2026-12-03T00:00:00+00:00")

    assert texts(fire_times(dag, NOW, 10)) == [
        "2026-12-01 00:00:00",
        "2026-12-02 00:00:00",
        "2026-12-03 00:00:00",
    ]


def test_every_counts_from_the_start_date() -> None:
    dag = dag_of("@every 50m", start="2026-11-23T10:00:00+00:00")

    assert texts(fire_times(dag, NOW - timedelta(days=1), 3)) == [
        "2026-11-23 10:00:00",
        "2026-11-23 10:50:00",
        "2026-11-23 11:40:00",
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("@every 50m", "2026-11-23 09:10:00"), ("0 0 * * *", "2026-11-23 00:00:00")],
)
def test_the_first_fire_time_has_a_previous_one_before_the_start_date(
    expression: str, expected: str
) -> None:
    dag = dag_of(expression, start="2026-11-23T10:00:00+00:00")
    first = next_fire_time(dag, NOW - timedelta(days=9))

    assert first is not None
    assert texts([previous_fire_time(dag, first) or first]) == [expected]


def test_after_the_end_date_the_previous_time_is_the_last_one() -> None:
    dag = dag_of("@daily", end="2026-11-20T00:00:00+00:00")

    assert previous_fire_time(dag, NOW) == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize("year", [1975, 2200, 9998])
def test_any_year_is_supported(year: int) -> None:
    moment = datetime(year, 6, 1, tzinfo=UTC)

    assert next_fire_time(dag_of("0 0 1 1 *"), moment) == datetime(year + 1, 1, 1, tzinfo=UTC)
    assert previous_fire_time(dag_of("0 0 1 1 *"), moment) == datetime(year, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("expression", ["@yearly", "@every 366d", "0 0 29 2 *"])
def test_the_calendar_ends_without_an_error(expression: str) -> None:
    assert next_fire_time(dag_of(expression), datetime(9999, 12, 31, 23, tzinfo=UTC)) is None


def test_a_naive_time_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001

    for ask in (next_fire_time, previous_fire_time, local_date):
        with pytest.raises(ValueError, match="is naive: give it a time zone"):
            ask(dag_of("@daily"), naive)


def test_times_of_other_zones_are_understood() -> None:
    moment = NOW.astimezone(timezone(timedelta(hours=-7)))

    assert next_fire_time(dag_of("@hourly"), moment) == datetime(2026, 11, 23, 11, tzinfo=UTC)


def test_the_date_is_that_of_the_dags_zone() -> None:
    evening = datetime(2026, 11, 23, 20, tzinfo=UTC)

    assert local_date(dag_of(), evening) == "2026-11-23"
    assert local_date(dag_of(timezone="Asia/Kathmandu"), evening) == "2026-11-24"


FIELD = st.sampled_from(
    ["*", "0", "5", "*/7", "1-3", "2,4", "31", "l", "mon", "feb", "2#5", "99", "r"]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(FIELD, min_size=4, max_size=7).map(" ".join)))
def test_any_text_is_an_expression_that_fires_or_a_bad_schedule(text: str) -> None:
    try:
        expression = compile_expression.__wrapped__(text)
    except BadSchedule:
        return
    found = expression.after(NOW)

    assert found is not None
    assert found > NOW
    assert expression.before(found + timedelta(seconds=1)) == found


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1_000_000, 31_622_400_000_000),
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_is_exact_and_without_gaps(interval_us: int, moment: datetime) -> None:
    expression = compile_expression.__wrapped__(f"@every {interval_us / 1_000_000:.6f}s")
    interval = timedelta(microseconds=interval_us)
    after, before = expression.after(moment), expression.before(moment)

    assert after is not None
    assert before is not None
    assert before < moment < after
    assert after - before in (interval, 2 * interval)
    assert (after - datetime(1970, 1, 1, tzinfo=UTC)) % interval == timedelta(0)
