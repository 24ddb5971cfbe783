"""How long a worker insists."""

from __future__ import annotations

import pytest

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.long_patience import (
    HURRIED_SECONDS,
    LONGEST_PAUSE,
    PATIENCE_SECONDS,
    LongPatience,
)


class Time:
    """Passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def patience(time: Time) -> LongPatience:
    return LongPatience(clock=lambda: time.now, sleep=time.sleep)


def never() -> None:
    raise Unavailable("no route to host")


def test_it_ends_some_time_with_the_last_error(time: Time, patience: LongPatience) -> None:
    with pytest.raises(Unavailable, match="no route"):
        patience(never)
    assert PATIENCE_SECONDS - LONGEST_PAUSE <= time.now <= PATIENCE_SECONDS
    assert max(time.pauses) <= LONGEST_PAUSE


def test_once_it_is_time_to_hurry_it_ends_within_seconds(
    time: Time, patience: LongPatience
) -> None:
    patience.hurry()
    with pytest.raises(Unavailable):
        patience(never)
    assert time.now <= HURRIED_SECONDS


def test_what_waiting_does_not_help_against_is_raised_at_once(
    time: Time, patience: LongPatience
) -> None:
    def refused() -> None:
        raise OrchestratorError("access denied")

    with pytest.raises(OrchestratorError, match="denied"):
        patience(refused)
    assert time.pauses == []
