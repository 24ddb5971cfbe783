"""Prints lines for the user."""

from __future__ import annotations

import sys
from collections.abc import Callable

Say = Callable[[str], None]
"""Prints one line; tests collect the lines."""


def say(line: str) -> None:
    """Print a line at once, also if stdout is not a terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
