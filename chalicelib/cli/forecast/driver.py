"""Lets time pass: from one thing that is due to the next, with ticks in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from chalicelib.database.reads import history
from chalicelib.simulation.scripted_executor import Script
from chalicelib.simulation.system import SimulatedSystem

TICK = timedelta(minutes=1)
AHEAD = timedelta(minutes=2)
"""A tick looks that far ahead."""


SETTINGS = {"fargate": "yes", "worker_queues": "*", "reconcile_seconds": "86400"}
"""Every place exists, and the bucket never changes."""
SILENCE_SECONDS = 1e9
"""Simulated commands never fall silent, and send no heartbeats."""


def create(folder: Path, script: Script, begins: datetime) -> SimulatedSystem:
    """A system with its database in `folder`, whose clock stands at `begins`."""
    system = SimulatedSystem(folder, script, begins=begins, settings=SETTINGS)
    settings = replace(system.scheduler.settings, silence_seconds=SILENCE_SECONDS)
    system.scheduler = replace(system.scheduler, settings=settings)
    return system


def play(
    system: SimulatedSystem, until: datetime, is_done: Callable[[], bool] = lambda: False
) -> bool:
    """Let time pass until `until`, or until `is_done`. Returns whether it was done. A tick that
    would find nothing due is left out; all others come on the minute, as EventBridge's do."""
    tick_at = system.clock()
    while True:
        system.settle()
        if is_done():
            return True
        if system.clock() >= until:
            return False
        due = next_due(system)
        if due is not None:
            wanted = max(tick_at, _minute(due - AHEAD))
            if wanted <= system.clock():
                system.tick()
                tick_at = _minute(system.clock()) + TICK
                continue
        else:
            wanted = until
        times = [until, system.loop.next_time, wanted]
        system.clock.moment = max(system.clock(), min(time for time in times if time is not None))


def next_due(system: SimulatedSystem) -> datetime | None:
    """Return when the scheduler has something to do next; None if nothing will ever be due."""
    with system.database.read() as tx:
        return history.next_due(tx)


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
