"""Tells threads of this process that something was committed in it."""

from __future__ import annotations

import threading


class CommitSignal:
    """`count` is how many commits there were."""

    def __init__(self) -> None:
        self.count = 0
        self._condition = threading.Condition()

    def notify(self) -> None:
        """Wake those who wait."""
        with self._condition:
            self.count += 1
            self._condition.notify_all()

    def wait_beyond(self, count: int, seconds: float) -> None:
        """Return once there were more than `count` commits, or after so many seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self.count > count, seconds)
