"""Tells a first signal, to end, from a second one, to hurry."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Must be made in the main thread. A handler may interrupt any instruction, so it takes no
    lock: it writes a byte into a pipe, which `serve` reads."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        for number in ENDING:
            signal.signal(number, self._note)

    def serve(self, first: Callable[[], None], second: Callable[[], None]) -> None:
        """Call `first` at the first signal and `second` at the next one, until `close`."""
        actions = [first, second]
        while os.read(self._read, 1) != _CLOSED:
            if actions:
                actions.pop(0)()

    def close(self) -> None:
        """Make `serve` return; from any thread."""
        os.write(self._write, _CLOSED)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        os.write(self._write, _SIGNAL)


_SIGNAL, _CLOSED = b"s", b"c"
