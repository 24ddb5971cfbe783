"""Schedules on days with clock changes, in zones that change clocks differently."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.clock_changes import ClockChange, clock_change_at
from chalicelib.dag.schedule.cron import compile_expression
from chalicelib.dag.schedule.fire_times import fire_times, next_fire_time, previous_fire_time

BERLIN, NEW_YORK, LORD_HOWE, SANTIAGO, KATHMANDU = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Kathmandu",
)
ZONES = [BERLIN, NEW_YORK, LORD_HOWE, SANTIAGO, KATHMANDU, "UTC"]


def dag_of(expression: str, zone: str) -> Dag:
    return Dag("d", "d", (), schedule=(expression,), timezone=zone)


def local(dag: Dag, moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(dag.timezone)).strftime("%d %H:%M %z")


# The zone, the first moment looked behind (in UTC), and what fires from there on, local.
CHANGES = [
    # Berlin, 29 March 2026: 02:00 becomes 03:00.
    (BERLIN, "2026-03-28T12:00", "30 2 * * *", ["29 03:00 +0200", "30 02:30 +0200"]),
    (BERLIN, "2026-03-28T12:00", "0,30 2 * * *", ["29 03:00 +0200", "30 02:00 +0200"]),
    (BERLIN, "2026-03-28T12:00", "30 2,3 * * *", ["29 03:00 +0200", "29 03:30 +0200"]),
    (BERLIN, "2026-03-28T12:00", "0 2,3 * * *", ["29 03:00 +0200", "30 02:00 +0200"]),
    (BERLIN, "2026-03-28T12:00", "*/20 2 * * *", ["29 03:00 +0200", "30 02:00 +0200"]),
    (BERLIN, "2026-03-28T12:00", "15 2 * * * 30", ["29 03:00 +0200", "30 02:15 +0200"]),
    (
        BERLIN,
        "2026-03-29T00:20",
        "*/15 * * * *",
        ["29 01:30 +0100", "29 01:45 +0100", "29 03:00 +0200"],
    ),
    (BERLIN, "2026-03-28T23:30", "5 * * * *", ["29 01:05 +0100", "29 03:05 +0200"]),
    (BERLIN, "2026-03-28T23:30", "5 */2 * * *", ["29 03:00 +0200", "29 04:05 +0200"]),
    (BERLIN, "2026-03-28T12:00", "@daily", ["29 00:00 +0100", "30 00:00 +0200"]),
    # Berlin, 25 October 2026: 03:00 becomes 02:00.
    (BERLIN, "2026-10-24T12:00", "30 2 * * *", ["25 02:30 +0200", "26 02:30 +0100"]),
    (
        BERLIN,
        "2026-10-24T12:00",
        "0,30 2 * * *",
        ["25 02:00 +0200", "25 02:30 +0200", "26 02:00 +0100"],
    ),
    (BERLIN, "2026-10-24T12:00", "0 3 * * *", ["25 03:00 +0100", "26 03:00 +0100"]),
    (BERLIN, "2026-10-24T23:30", "@hourly", ["25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100"]),
    (
        BERLIN,
        "2026-10-24T23:30",
        "0 0-23 * * *",
        ["25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100"],
    ),
    (
        BERLIN,
        "2026-10-25T00:20",
        "*/30 * * * *",
        ["25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100", "25 03:00 +0100"],
    ),
    (
        BERLIN,
        "2026-10-25T00:20",
        "*/30 2 * * *",
        ["25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100", "26 02:00 +0100"],
    ),
    # New York: 8 March 2026, 02:00 becomes 03:00; 1 November, 02:00 becomes 01:00.
    (NEW_YORK, "2026-03-07T12:00", "30 2 * * *", ["08 03:00 -0400", "09 02:30 -0400"]),
    (NEW_YORK, "2026-10-31T12:00", "30 1 * * *", ["01 01:30 -0400", "02 01:30 -0500"]),
    (
        NEW_YORK,
        "2026-11-01T04:30",
        "0 * * * *",
        ["01 01:00 -0400", "01 01:00 -0500", "01 02:00 -0500"],
    ),
    (NEW_YORK, "2026-10-31T12:00", "0 2 * * *", ["01 02:00 -0500", "02 02:00 -0500"]),
    # Lord Howe: half an hour. 4 October 2026, 02:00 becomes 02:30; 5 April, 02:00 becomes 01:30.
    (LORD_HOWE, "2026-10-03T12:00", "15 2 * * *", ["04 02:30 +1100", "05 02:15 +1100"]),
    (LORD_HOWE, "2026-10-03T12:00", "30 2 * * *", ["04 02:30 +1100", "05 02:30 +1100"]),
    (LORD_HOWE, "2026-04-04T12:00", "45 1 * * *", ["05 01:45 +1100", "06 01:45 +1030"]),
    (
        LORD_HOWE,
        "2026-04-04T14:00",
        "45 * * * *",
        ["05 01:45 +1100", "05 01:45 +1030", "05 02:45 +1030"],
    ),
    # Santiago: at midnight. 6 September 2026, 00:00 becomes 01:00; 5 April, 00:00 becomes 23:00.
    (SANTIAGO, "2026-09-05T12:00", "@daily", ["06 01:00 -0300", "07 00:00 -0300"]),
    (SANTIAGO, "2026-09-05T12:00", "30 0 * * 0", ["06 01:00 -0300", "13 00:30 -0300"]),
    (SANTIAGO, "2026-04-04T12:00", "30 23 * * *", ["04 23:30 -0300", "05 23:30 -0400"]),
    (SANTIAGO, "2026-04-04T12:00", "@daily", ["05 00:00 -0400", "06 00:00 -0400"]),
    # Kathmandu: five hours and three quarters, never changed.
    (KATHMANDU, "2026-03-28T12:00", "0 2 * * *", ["29 02:00 +0545", "30 02:00 +0545"]),
]


@pytest.mark.parametrize(("zone", "after", "expression", "expected"), CHANGES)
def test_a_clock_change_loses_and_doubles_no_fire_time(
    zone: str, after: str, expression: str, expected: list[str]
) -> None:
    dag = dag_of(expression, zone)
    found = fire_times(dag, datetime.fromisoformat(f"{after}+00:00"), len(expected))

    assert [local(dag, moment) for moment in found] == expected
    assert all(moment.tzinfo is UTC for moment in found)


@pytest.mark.parametrize(("zone", "after", "expression", "expected"), CHANGES)
def test_looking_back_finds_the_same_fire_times(
    zone: str, after: str, expression: str, expected: list[str]
) -> None:
    dag = dag_of(expression, zone)
    found = fire_times(dag, datetime.fromisoformat(f"{after}+00:00"), len(expected))

    assert [previous_fire_time(dag, moment) for moment in found[1:]] == found[:-1]


def test_a_fixed_time_is_not_found_again_from_within_the_second_pass() -> None:
    dag = dag_of("45 2 * * *", BERLIN)
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    found = next_fire_time(dag, second_pass)

    assert found is not None
    assert local(dag, found) == "26 02:45 +0100"
    assert local(dag, previous_fire_time(dag, second_pass) or found) == "25 02:45 +0200"


def test_a_clock_change_is_located_to_the_second() -> None:
    gap = clock_change_at(datetime(2026, 3, 29, 2, 59, 59), ZoneInfo(BERLIN))  # noqa: DTZ001

    assert gap == ClockChange(
        at=datetime(2026, 3, 29, 1, tzinfo=UTC),
        old=datetime(2026, 3, 29, 2),  # noqa: DTZ001
        new=datetime(2026, 3, 29, 3),  # noqa: DTZ001
    )
    assert gap.is_gap


def test_a_time_that_occurs_once_has_no_clock_change() -> None:
    assert clock_change_at(datetime(2026, 3, 29, 3), ZoneInfo(BERLIN)) is None  # noqa: DTZ001


# Around every change of 2026 in the zones above, to the second.
NEAR_A_CHANGE = st.builds(
    lambda change, seconds: datetime.fromtimestamp(change + seconds, UTC),
    st.sampled_from(
        [
            int(datetime.fromisoformat(f"{text}:00+00:00").timestamp())
            for text in (
                "2026-03-29T01:00",
                "2026-10-25T01:00",
                "2026-03-08T07:00",
                "2026-11-01T06:00",
                "2026-10-03T15:30",
                "2026-04-04T15:00",
                "2026-09-06T04:00",
                "2026-04-05T03:00",
            )
        ]
    ),
    st.integers(-3 * 3600, 3 * 3600),
)
EXPRESSIONS = st.sampled_from(
    [
        "30 2 * * *",
        "*/15 * * * *",
        "0 * * * *",
        "5 */2 * * *",
        "*/7 1-2 * * *",
        "0,30 0,2,23 * * *",
        "20 1 * * * */20",
        "45 * * * *",
        "@daily",
        "* 2 * * *",
    ]
)


@settings(max_examples=300, deadline=None)
@given(NEAR_A_CHANGE, EXPRESSIONS, st.sampled_from(ZONES))
def test_looking_forward_and_back_agree_at_any_time(
    moment: datetime, expression: str, zone: str
) -> None:
    cron = compile_expression(expression, zone)
    after, before = cron.after(moment), cron.before(moment)

    assert after is not None
    assert before is not None
    assert before < moment < after
    # Nothing lies between them but perhaps the moment itself.
    assert cron.after(before) in (moment, after)
    assert cron.before(after) in (moment, before)


@settings(max_examples=100, deadline=None)
@given(
    NEAR_A_CHANGE,
    st.sampled_from(["*/15 * * * *", "0 * * * *", "5 * * * *"]),
    st.sampled_from(ZONES),
)
def test_an_hourly_schedule_fires_whenever_clocks_show_its_minute(
    moment: datetime, expression: str, zone: str
) -> None:
    """Against the definition, minute by minute."""
    minutes = {"*/15": {0, 15, 30, 45}, "0": {0}, "5": {5}}[expression.split()[0]]
    start = int(moment.timestamp()) // 60 * 60
    coming = (datetime.fromtimestamp(start + 60 * step, UTC) for step in range(1, 200))
    expected = next(m for m in coming if m.astimezone(ZoneInfo(zone)).minute in minutes)

    assert compile_expression(expression, zone).after(moment) == expected
