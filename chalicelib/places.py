"""The places where tasks run, one row each.

A place is a queue and whatever consumes it. A new place is a row here and its launcher: a function
of `app.py`, or a worker elsewhere. The scheduler's queues, the health of the API, functions and
permissions on AWS, `status` and the loops of the local cloud iterate over the rows. Tests compare
the CloudFormation template, the settings and `app.py` with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.config import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """`function` is the entry point that its queue starts, for at most `max_seconds`; `memory_mb`
    None means that the installation chooses. `queue_setting` names the setting that holds the
    queue's name, `queue_output` the queue in the stack, `queue_suffix` the end of its name
    there."""

    name: str
    function: str
    max_seconds: int
    memory_mb: int | None
    queue_setting: str
    queue_output: str
    queue_suffix: str

    def queue_name(self, settings: Settings) -> str:
        name: str = getattr(settings, self.queue_setting.lower())
        return name


DEFAULT_PLACE = "lambda"
"""Runs every task that asks for nothing else, and delivers notifications."""

_ROWS = (Place(DEFAULT_PLACE, "execute", 900, None, "TASKS_QUEUE", "TasksQueue", "tasks"),)

PLACES: dict[str, Place] = {row.name: row for row in _ROWS}


def for_each_place(make: Callable[[Place], T]) -> dict[str, T]:
    """A value for each place, by the place's name."""
    return {name: make(place) for name, place in PLACES.items()}
