"""Waiting for a lock, on a clock that the test holds."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from chalicelib.database.connection.retry import Patience, until_free


class Busy(Exception):
    pass


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def patience(time: Time, uniform: Callable[[float, float], float] = max) -> Patience:
    return Patience(budget=10.0, clock=lambda: time.now, sleep=time.sleep, uniform=uniform)


def busy_times(count: int) -> Callable[[], str]:
    left = [count]

    def attempt() -> str:
        if left[0] == 0:
            return "done"
        left[0] -= 1
        raise Busy

    return attempt


def wait(attempt: Callable[[], str], time: Time, chosen: Patience | None = None) -> str:
    chosen = chosen or patience(time)
    return until_free(attempt, lambda error: isinstance(error, Busy), chosen, chosen.deadline())


def test_what_is_free_is_not_waited_for() -> None:
    time = Time()
    assert wait(busy_times(0), time) == "done"
    assert time.slept == []


def test_the_ceiling_of_the_wait_doubles_up_to_a_quarter_of_a_second() -> None:
    time = Time()
    assert wait(busy_times(6), time) == "done"
    assert time.slept == [0.04, 0.08, 0.16, 0.25, 0.25, 0.25]


def test_no_wait_is_shorter_than_twenty_milliseconds() -> None:
    time = Time()
    wait(busy_times(5), time, patience(time, uniform=min))
    assert time.slept == [0.02] * 5


def test_two_that_wait_do_not_wait_in_step() -> None:
    one, other = Time(), Time()
    for time in (one, other):
        wait(busy_times(5), time, patience(time, random.uniform))
    assert one.slept != other.slept


def test_the_budget_is_spent_to_the_end_and_not_beyond() -> None:
    time = Time()
    with pytest.raises(Busy):
        wait(busy_times(10_000), time)
    assert sum(time.slept) == pytest.approx(10.0)


def test_an_error_that_is_not_busy_comes_through_at_once() -> None:
    time = Time()

    def attempt() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wait(attempt, time)
    assert time.slept == []
