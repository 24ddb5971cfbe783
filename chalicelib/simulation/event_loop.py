"""What happens when, on a virtual clock.

Events happen in the order of their times, and those of the same time in the order in which they
were scheduled, so that a simulation with the same input gives the same output. The clock goes from
one event straight to the next.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.simulation.virtual_clock import VirtualClock

MAX_EVENTS_AT_ONE_TIME = 1_000_000
"""More events without time passing are a mistake: messages go round in circles."""


@dataclass(order=True, slots=True)
class Event:
    """`action` is due at `time`. An event that was cancelled does not happen."""

    time: datetime
    sequence: int
    action: Callable[[], object] = field(compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.is_cancelled = True


class EventLoop:
    """Owns `clock`, which others may move too: an event whose time was passed over happens at the
    next opportunity."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._events: list[Event] = []
        self._sequence = itertools.count()

    def at(self, time: datetime, action: Callable[[], object]) -> Event:
        """Let `action` happen at `time`; at once if that has passed."""
        event = Event(time, next(self._sequence), action)
        heapq.heappush(self._events, event)
        return event

    def after(self, seconds: float, action: Callable[[], object]) -> Event:
        """Let `action` happen that many seconds from now."""
        return self.at(self.clock() + timedelta(seconds=seconds), action)

    @property
    def next_time(self) -> datetime | None:
        """Return when the next event happens; None if there is none."""
        while self._events and self._events[0].is_cancelled:
            heapq.heappop(self._events)
        return self._events[0].time if self._events else None

    def run_due(self) -> int:
        """Let everything happen whose time has come, and what that brings about at once. Returns
        the number of events. Raises RuntimeError if they never end."""
        count = 0
        while (time := self.next_time) is not None and time <= self.clock():
            heapq.heappop(self._events).action()
            count += 1
            if count >= MAX_EVENTS_AT_ONE_TIME:
                raise RuntimeError("events follow one another and no time passes")
        return count

    def run_until(self, end: datetime) -> None:
        """Let everything happen up to and including `end`, where the clock stands afterwards."""
        self.run_due()
        while (time := self.next_time) is not None and time <= end:
            self.clock.moment = time
            self.run_due()
        self.clock.moment = max(self.clock.moment, end)

    def run_while(self, condition: Callable[[], bool], end: datetime) -> bool:
        """Let one event after another happen while the condition holds, at the latest until `end`.
        Returns whether the condition has become false."""
        while condition():
            time = self.next_time
            if time is None or time > end:
                return False
            self.clock.moment = max(self.clock.moment, time)
            heapq.heappop(self._events).action()
        return True
