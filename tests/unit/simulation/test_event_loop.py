"""Events happen in the order of their times, then in the order in which they were scheduled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.simulation import event_loop
from chalicelib.simulation.event_loop import EventLoop
from chalicelib.simulation.virtual_clock import VirtualClock


@pytest.fixture
def loop() -> EventLoop:
    return EventLoop(VirtualClock())


def test_events_happen_by_time_and_then_as_scheduled(loop: EventLoop) -> None:
    happened: list[str] = []
    for name, seconds in (("c", 2.0), ("a", 1.0), ("d", 2.0), ("b", 1.0)):
        loop.after(seconds, lambda name=name: happened.append(name))  # type: ignore[misc]
    loop.run_until(loop.clock() + timedelta(seconds=3))
    assert happened == ["a", "b", "c", "d"]


def test_the_clock_stands_at_the_time_of_each_event_and_then_at_the_end(loop: EventLoop) -> None:
    begins, times = loop.clock(), []
    loop.after(0.25, lambda: times.append(loop.clock() - begins))
    loop.after(90, lambda: times.append(loop.clock() - begins))
    loop.run_until(begins + timedelta(seconds=60))
    assert times == [timedelta(seconds=0.25)]
    assert loop.clock() == begins + timedelta(seconds=60)
    assert loop.next_time == begins + timedelta(seconds=90)


def test_what_an_event_brings_about_at_once_happens_after_its_neighbours(loop: EventLoop) -> None:
    happened: list[str] = []
    loop.after(1, lambda: loop.after(0, lambda: happened.append("consequence")))
    loop.after(1, lambda: happened.append("neighbour"))
    loop.run_until(loop.clock() + timedelta(seconds=1))
    assert happened == ["neighbour", "consequence"]


def test_an_event_that_was_cancelled_does_not_happen(loop: EventLoop) -> None:
    happened: list[str] = []
    loop.after(1, lambda: happened.append("x")).cancel()
    assert loop.next_time is None
    loop.run_until(loop.clock() + timedelta(seconds=2))
    assert happened == []


def test_an_event_whose_time_was_passed_over_happens_at_the_next_opportunity(
    loop: EventLoop,
) -> None:
    happened: list[str] = []
    loop.after(1, lambda: happened.append("x"))
    loop.clock.advance(3600)
    assert (loop.run_due(), happened) == (1, ["x"])


def test_events_that_never_end_are_an_error(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_loop, "MAX_EVENTS_AT_ONE_TIME", 100)

    def again() -> None:
        loop.after(0, again)

    loop.after(0, again)
    with pytest.raises(RuntimeError, match="no time passes"):
        loop.run_due()


def test_events_happen_while_a_condition_holds(loop: EventLoop) -> None:
    happened: list[int] = []
    for number in range(5):
        loop.after(number, lambda number=number: happened.append(number))  # type: ignore[misc]
    end = loop.clock() + timedelta(seconds=60)
    assert loop.run_while(lambda: len(happened) < 3, end) is True
    assert happened == [0, 1, 2]
    assert loop.run_while(lambda: len(happened) < 9, end) is False
    assert happened == [0, 1, 2, 3, 4]
