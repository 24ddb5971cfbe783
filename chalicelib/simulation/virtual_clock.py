"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """A Clock: call it for the current time. `moment` may be set, also to an earlier time."""

    def __init__(self, moment: datetime = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def at_epoch(seconds: float) -> datetime:
    """The time that many seconds after the epoch, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
