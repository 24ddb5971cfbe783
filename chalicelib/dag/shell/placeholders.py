"""The base of the readers: records where each placeholder of a value stands."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.dag.shell.source import PLACEHOLDER, NotUnderstood, Source
from chalicelib.dag.shell.syntax_tree import Kind, Part, Script

MAX_DEPTH = 25
EVALUATED_AS_ARITHMETIC = (
    "the shell evaluates it as arithmetic, which can run commands hidden in text"
)


class Quoting(StrEnum):
    """How a value must be quoted where it stands."""

    WORD = "between words"
    BRACES = "between words, within braces"
    DOUBLE = "in double quotation marks"
    SINGLE = "in single quotation marks"
    COMMENT = "in a comment"
    BARE = "where no quoting is possible"
    ARITHMETIC = "in arithmetic"


@dataclass(frozen=True, slots=True)
class InsertionPoint:
    """The place of a value in a script.

    A `reason` says why no value may stand there, or only a number if it `allows_numbers`.
    """

    quoting: Quoting
    reason: str = ""
    allows_numbers: bool = False


class ValueReader:
    """Reads from `source`, and records the insertion point of each value."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)
        self.script = Script()
        self.insertion_points: dict[int, InsertionPoint] = {}
        self.raw: frozenset[int] = frozenset()
        self._offsets = [match.start() for match in re.finditer(PLACEHOLDER, text)]
        self._restriction = ""  # why only numbers are allowed here
        self._depth = 0

    # Implemented by the reader of whole scripts.

    def substitution(self) -> None:
        raise NotImplementedError

    def inner_script(self, text: str, at: int) -> None:
        raise NotImplementedError

    # Context

    def fail(self, what: str, at: int | None = None) -> NotUnderstood:
        return NotUnderstood(self.source.at if at is None else at, what)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.fail(f"code nested more than {MAX_DEPTH} levels deep")
        yield
        self._depth -= 1

    @contextmanager
    def only_numbers(self, reason: str) -> Iterator[None]:
        """Allow only numbers in the block, also in a $( ) whose output stands here."""
        before = self._restriction
        self._restriction = before or reason
        yield
        self._restriction = before

    # Values

    def value(self, parts: list[Part], quoting: Quoting, *, wrong: str = "") -> None:
        """Read a value. `wrong` is why none may stand here."""
        at = self.source.at
        index = bisect_left(self._offsets, at)
        self.source.at += 1
        narrow = self._restriction
        is_quoted = quoting not in (Quoting.WORD, Quoting.BRACES)
        if index in self.raw:
            parts.append(Part(Kind.OTHER, "", is_quoted))
            return
        if narrow and not wrong:
            how = Quoting.ARITHMETIC if narrow == EVALUATED_AS_ARITHMETIC else Quoting.BARE
            self.insertion_points[index] = InsertionPoint(how, narrow, allows_numbers=True)
        else:
            self.insertion_points[index] = InsertionPoint(quoting, wrong)
        parts.append(Part(Kind.VALUE, "", is_quoted, (index,)))

    def values_from(self, start: int) -> tuple[int, ...]:
        """Return the indexes of the values between `start` and here."""
        first = bisect_left(self._offsets, start)
        return tuple(range(first, bisect_left(self._offsets, self.source.at)))

    def other(self, start: int, *, is_quoted: bool) -> Part:
        """Return the text from `start` to here as a part that only the shell can evaluate."""
        return Part(Kind.OTHER, "", is_quoted, self.values_from(start))

    def restrict(self, index: int, reason: str, quoting: Quoting | None = None) -> None:
        """Restrict the place of a value to numbers."""
        point = self.insertion_points.get(index)
        if point is None:
            return  # the author wants it unquoted
        if not point.reason:
            self.insertion_points[index] = InsertionPoint(
                quoting or point.quoting, reason, allows_numbers=True
            )
