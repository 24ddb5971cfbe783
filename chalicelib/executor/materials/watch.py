"""The watch over jobs, as the supervisor watches a command: heartbeats, requests to cancel, the
time limit. It happens in the calling thread; the work is done in others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.enums import Outcome
from chalicelib.executor.background import Background
from chalicelib.executor.cancellation import FIRST_LOOK, NEXT_LOOK
from chalicelib.executor.materials.jobs import JobPool
from chalicelib.executor.process import ExecutorStopped, RunningCommands
from chalicelib.executor.supervisor import FIRST_HEARTBEAT, Pulse, Stop

LONGEST_SLEEP = 0.25
"""Seconds after which it is noticed that the executor is being stopped."""


class Interrupted(Exception):
    """The attempt was stopped, for this reason, before all jobs were done."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.value)
        self.stop = stop


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches the jobs of one attempt. `clock` counts seconds."""

    running: RunningCommands
    pulse: Pulse
    clock: Callable[[], float]

    def until_done(self, pool: JobPool, until: float) -> None:
        """Return when all jobs are done. Raises what one of them raised; Interrupted at the time
        `until`, or when the attempt is cancelled; ExecutorStopped."""
        background = Background()
        cancellation = self.pulse.cancellation
        now = self.clock()
        beat_at = now + min(FIRST_HEARTBEAT, self.pulse.every)
        look_at = now + FIRST_LOOK if cancellation else math.inf
        try:
            while not pool.wait(min(LONGEST_SLEEP, max(0.0, until - now))):
                now = self.clock()
                self._refuse_to_continue(is_late=now >= until)
                if now >= beat_at:
                    beat_at = now + self.pulse.every
                    background.submit(self.pulse.beat)
                    background.submit(self.pulse.flush)
                if cancellation is not None and now >= look_at:
                    look_at = now + NEXT_LOOK
                    background.submit(cancellation.look)
        finally:
            background.finish()

    def _refuse_to_continue(self, *, is_late: bool) -> None:
        if self.running.stopped:
            raise ExecutorStopped("this executor is being stopped")
        if self.pulse.cancellation is not None and self.pulse.cancellation.asked:
            raise Interrupted(Outcome.CANCELLED)
        if is_late:
            raise Interrupted(Outcome.TIMEOUT)
