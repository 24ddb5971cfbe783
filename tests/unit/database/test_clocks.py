"""How long ago a moment was, by three clocks of which any may be wrong."""

from __future__ import annotations

import math

import pytest

from chalicelib.database.connection.clocks import Moment, elapsed, read_clocks

NOON = Moment(monotonic=100.0, wall=1_700_000_000.0, boot=200.0)


def later(**steps: float) -> Moment:
    return Moment(*(getattr(NOON, name) + steps.get(name, 1.0) for name in Moment.__slots__))


@pytest.mark.parametrize("clock", Moment.__slots__)
def test_the_clock_that_saw_the_longest_time_counts(clock: str) -> None:
    assert elapsed(NOON, later(**{clock: 90.0})) == 90.0


@pytest.mark.parametrize("clock", Moment.__slots__)
def test_a_clock_that_ran_backwards_makes_the_time_unknown(clock: str) -> None:
    assert elapsed(NOON, later(**{clock: -0.5})) == math.inf


def test_nothing_has_elapsed_since_the_same_reading() -> None:
    assert elapsed(NOON, NOON) == 0.0


def test_the_machine_clocks_do_not_run_backwards() -> None:
    first = read_clocks()
    assert 0.0 <= elapsed(first, read_clocks()) < math.inf
