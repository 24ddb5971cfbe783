"""Whether and when a failed task is retried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dag.evaluate.retries import MAX_DELAY_SECONDS, retry_at, retry_delay
from chalicelib.dag.model import Task

ENDED = datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_retries_are_attempts_after_the_first() -> None:
    task = Task("a", "false", retries=2, retry_delay=90.0)

    assert retry_at(task, 1, ENDED) == ENDED + timedelta(seconds=90)
    assert retry_at(task, 2, ENDED) == ENDED + timedelta(seconds=90)
    assert retry_at(task, 3, ENDED) is None


def test_a_task_without_retries_is_not_retried() -> None:
    assert retry_at(Task("a", "false"), 1, ENDED) is None


def test_the_end_of_an_attempt_must_have_a_time_zone() -> None:
    with pytest.raises(ValueError, match="is naive"):
        retry_at(Task("a", "false", retries=1), 1, ENDED.replace(tzinfo=None))


def test_each_delay_is_the_one_before_times_the_multiplier() -> None:
    task = Task("a", "false", retries=5, retry_delay=10.0, retry_exponential_backoff=3.0)

    assert [retry_delay(task, number) for number in (1, 2, 3, 4)] == [10, 30, 90, 270]


def test_delays_grow_no_longer_than_allowed() -> None:
    task = Task(
        "a",
        "false",
        retries=5,
        retry_delay=10.0,
        retry_exponential_backoff=2.0,
        max_retry_delay=25.0,
    )

    assert [retry_delay(task, number) for number in (1, 2, 3, 4)] == [10, 20, 25, 25]


@given(
    st.floats(0, MAX_DELAY_SECONDS), st.floats(1, 100), st.integers(1, 1000), st.floats(0.001, 1e6)
)
def test_no_number_of_attempts_makes_a_delay_that_is_too_long(
    delay: float, factor: float, number: int, longest: float
) -> None:
    task = Task("a", retries=1000, retry_delay=delay, retry_exponential_backoff=factor)
    capped = Task("a", retry_delay=delay, retry_exponential_backoff=factor, max_retry_delay=longest)

    assert min(delay, MAX_DELAY_SECONDS) <= retry_delay(task, number) <= MAX_DELAY_SECONDS
    assert retry_delay(capped, number) <= longest
    assert retry_at(task, number, ENDED) is not None


@pytest.mark.parametrize("exit_code", [75, 111])
def test_a_listed_exit_code_is_retried(exit_code: int) -> None:
    task = Task("a", "false", retries=1, retry_exit_codes=(75, 111))

    assert retry_at(task, 1, ENDED, exit_code) is not None


def test_an_unlisted_exit_code_is_final() -> None:
    assert retry_at(Task("a", "false", retries=1, retry_exit_codes=(75,)), 1, ENDED, 1) is None


def test_an_attempt_without_an_exit_code_is_retried_whatever_is_listed() -> None:
    task = Task("a", "false", retries=1, retry_exit_codes=(75,))

    assert retry_at(task, 1, ENDED, None) is not None


@given(st.integers(0, 255))
def test_without_a_list_every_failure_is_retried(exit_code: int) -> None:
    assert retry_at(Task("a", "false", retries=1), 1, ENDED, exit_code) is not None
