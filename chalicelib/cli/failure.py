"""An error as one line with an exit code.

0  fine
1  the thing itself failed: a run, a test, a file
2  wrong usage: an unknown verb or option, an id that does not exist
3  the installation cannot be reached, or refuses the caller
"""

from __future__ import annotations

from collections.abc import Iterable

FAILED = 1
USAGE = 2
UNREACHABLE = 3
INTERRUPTED = 130


class CliFailure(Exception):
    """Ends the command with this line on stderr and this exit code."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns `; did you mean x?` for the most similar known word, or an empty text."""
    from difflib import get_close_matches  # for a mistake only

    by_lower = {name.lower(): name for name in known}
    matches = get_close_matches(word.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[matches[0]]}?" if matches else ""
