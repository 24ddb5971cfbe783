"""The lines of a DAG file around what is wrong in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.dag.problems import Problem

CONTEXT_LINES = 2
"""Lines shown before and after each problem."""

MAX_LINE_LENGTH = 200
MAX_CHARACTERS = 8_000
"""Of all lines together: excerpts are stored, and hundreds of files may be listed at once."""

_LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those that YAML counts


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a file.

    Attributes:
        line: Counted from 1.
        text: Content, truncated if very long.
    """

    line: int
    text: str


def excerpt(source: bytes, problems: Iterable[Problem]) -> list[SourceLine]:
    """The lines around `problems`, in the order of the file, each once. Where there is not room for
    all, those of the first problems."""
    lines = _LINE_ENDS.split(source.decode("utf-8-sig", "replace"))
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # what stands behind the end of the last line
    shown: dict[int, SourceLine] = {}
    left = MAX_CHARACTERS
    for problem in problems:
        first, last = (
            max(1, problem.line - CONTEXT_LINES),
            min(len(lines), problem.line + CONTEXT_LINES),
        )
        for number in range(first, last + 1):
            if number not in shown:
                shown[number] = SourceLine(number, lines[number - 1][:MAX_LINE_LENGTH])
                left -= len(shown[number].text)
        if left <= 0:
            break
    return [shown[number] for number in sorted(shown)]
