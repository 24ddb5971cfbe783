"""Waiting for what happens elsewhere: asked again until it is so, or until it must have hung."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

HANG_SECONDS = 120.0
"""The one limit of every wait in the tests: after this long, what was waited for will never come.
It judges no speed; a machine that is slow or busy with other work stays far below it."""


def eventually(ask: Callable[[], T]) -> T:
    """The first true answer of `ask`. Fails the test if there is none in HANG_SECONDS."""
    deadline = time.monotonic() + HANG_SECONDS
    pause = threading.Event()
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not so in {HANG_SECONDS:g} s; last answer: {answer!r}"
        pause.wait(0.01)
    return answer
