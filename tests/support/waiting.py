"""Waiting for what happens elsewhere: asked again until it is so, up to a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(ask: Callable[[], T], *, within: float = 10.0) -> T:
    """The first true answer of `ask`. Fails the test if there is none in `within` seconds."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not so within {within} s; last answer: {answer!r}"
        pause.wait(0.01)
    return answer
