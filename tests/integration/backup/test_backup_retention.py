"""Which backups are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.admin.backup_retention import Rule, kept

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def days(count: int) -> list[datetime]:
    return [NOON - number * DAY for number in range(count)]


def test_two_years_of_days_leave_seven_days_four_weeks_and_twelve_months() -> None:
    found = sorted(kept(days(730), Rule()), reverse=True)
    assert [f"{moment:%m-%d}" for moment in found[:9]] == [
        *("11-23", "11-22", "11-21", "11-20", "11-19", "11-18", "11-17"),
        *("11-15", "11-08"),  # Sundays; the first two weeks are among the days
    ]
    months = [f"{moment:%Y-%m-%d}" for moment in found[9:]]
    assert months[0] == "2026-10-31"
    assert months[-1] == "2025-12-31"
    assert len(months) == 11


def test_keeping_every_day_anew_ends_with_the_same_backups() -> None:
    """What is removed today must not be what next month's rule wants."""
    held: set[datetime] = set()
    for moment in reversed(days(730)):
        held = kept({*held, moment}, Rule())
    assert held == kept(days(730), Rule())


def test_of_one_day_the_newest_is_kept() -> None:
    assert kept([NOON, NOON + timedelta(hours=1)], Rule(1, 0, 0)) == {NOON + timedelta(hours=1)}


def test_days_without_a_backup_do_not_count() -> None:
    moments = [NOON, NOON - 40 * DAY, NOON - 80 * DAY]
    assert kept(moments, Rule(3, 0, 0)) == set(moments)


def test_the_newest_is_kept_even_if_the_rule_keeps_nothing() -> None:
    assert kept(days(3), Rule(0, 0, 0)) == {NOON}


def test_a_naive_moment_is_an_error() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        kept([NOON.replace(tzinfo=None)], Rule())


@given(
    st.lists(st.integers(0, 4000).map(lambda hours: NOON + timedelta(hours=5 * hours))),
    st.builds(Rule, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
)
def test_no_more_than_the_rule_s_sum_are_kept_and_keeping_twice_changes_nothing(
    moments: list[datetime], rule: Rule
) -> None:
    found = kept(moments, rule)
    assert found <= set(moments)
    assert len(found) <= max(1, rule.daily + rule.weekly + rule.monthly)
    assert kept(found, rule) == found
