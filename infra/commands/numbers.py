"""Numbers on the command line."""

from __future__ import annotations

from collections.abc import Callable


def positive(number: Callable[[str], float]) -> Callable[[str], float]:
    """Return a type for argparse that takes positive numbers only."""

    def parse(text: str) -> float:
        value = number(text)
        if value <= 0:
            raise ValueError
        return value

    parse.__name__ = "positive number"  # argparse prints "invalid positive number value"
    return parse
