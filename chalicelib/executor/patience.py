"""How long an executor insists on what must not be lost: a claim's answer, the end of a log, a
result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Patience(Protocol):
    """Calls an action, and perhaps again while it raises Unavailable."""

    def __call__(self, action: Callable[[], T]) -> T:
        """Return what the action returns. Raises what it raises last."""


def no_patience(action: Callable[[], T]) -> T:
    """Try once: a function on Lambda is paid for while it waits, and the queue does not forget."""
    return action()
