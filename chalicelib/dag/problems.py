"""Problems and warnings of a DAG file, as its author reads them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from chalicelib.enums import WarningCode
from chalicelib.errors import OrchestratorError

MAX_PROBLEMS = 100
"""The most problems reported for a file, because the list is stored and shown."""

MAX_WARNINGS = 20
"""The most warnings reported for a file, because hundreds of files may be listed at once."""

_LEAST_URGENT = WarningCode.NOT_ON_LAMBDA
_MAX_QUOTED_LENGTH = 60


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """An error in a DAG file.

    Attributes:
        line: Counted from 1.
        column: Counted from 1.
        path: Path of the key, such as `tasks[0].retries`.
    """

    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True, slots=True, order=True)
class DagWarning:
    """Something in a DAG file that is valid but probably unintended.

    Attributes:
        line: Counted from 1.
        column: Counted from 1.
        path: Path of the key, such as `tasks[0].command`.
        code: Kind of warning.
    """

    line: int
    column: int
    path: str
    code: WarningCode
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class DagFileError(OrchestratorError):
    """A DAG file is not valid. `problems` lists every problem in document order."""

    status = 422
    code = "invalid_dag"

    def __init__(self, problems: Iterable[Problem], *, file_name: str = "") -> None:
        self.problems = tuple(problems)
        text = "; ".join(map(str, self.problems))
        super().__init__(
            f"{file_name}: {text}" if file_name else text,
            problems=[asdict(problem) for problem in self.problems],
        )


class Location(Protocol):
    """A line and a column of the file, both counted from 1."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Report:
    """Collects the problems and warnings of a file, without duplicates."""

    def __init__(self) -> None:
        self._problems: set[Problem] = set()
        self._warnings: dict[tuple[int, int, str], DagWarning] = {}
        self._seen: set[tuple[int, int, str]] = set()

    def add(self, place: Location, path: str, message: str) -> None:
        """Add a problem."""
        # Several paths may lead to one place of the file by way of YAML aliases.
        key = (place.line, place.column, message)
        if key not in self._seen:
            self._seen.add(key)
            self._problems.add(Problem(place.line, place.column, path, message))

    def warn(self, place: Location, path: str, code: WarningCode, message: str) -> None:
        """Add a warning."""
        warning = DagWarning(place.line, place.column, path, code, message)
        self._warnings.setdefault((place.line, place.column, message), warning)

    def __bool__(self) -> bool:
        return bool(self._problems)

    @property
    def is_full(self) -> bool:
        """Whether further problems may go unreported, so that hints are not worth the time."""
        return len(self._problems) >= MAX_PROBLEMS

    def problems(self) -> list[Problem]:
        """Return at most `MAX_PROBLEMS` in document order, and one that counts the rest."""
        ordered = sorted(self._problems)
        shown, rest = ordered[:MAX_PROBLEMS], ordered[MAX_PROBLEMS:]
        if rest:
            first = rest[0]
            more = f"{len(rest)} more problems from here on are not shown"
            shown.append(Problem(first.line, first.column, "", more))
        return shown

    def warnings(self) -> tuple[DagWarning, ...]:
        """Return at most `MAX_WARNINGS` in document order, and one that counts the rest."""
        # What Lambda lacks may be missing in every command, and must not hide what is a danger.
        first = sorted(self._warnings.values(), key=lambda w: (w.code is _LEAST_URGENT, w))
        shown, rest = sorted(first[:MAX_WARNINGS]), sorted(first[MAX_WARNINGS:])
        if rest:
            more = f"{len(rest)} more warnings from here on are not shown"
            shown.append(replace(rest[0], message=more))
        return tuple(shown)

    def error(self, file_name: str) -> DagFileError:
        """Return the error to raise for the problems."""
        return DagFileError(self.problems(), file_name=file_name)


def quote(text: str) -> str:
    """Quote `text` for a message: on one line, shortened if it is long."""
    return repr(text if len(text) <= _MAX_QUOTED_LENGTH else text[:_MAX_QUOTED_LENGTH] + "…")


def closest_match(word: str, known: Iterable[str]) -> str | None:
    """Return the name of `known` that `word` most resembles, or None."""
    if len(word) > _MAX_QUOTED_LENGTH * 4:
        return None
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the hint `"; did you mean 'x'?"`, or an empty text."""
    name = closest_match(word, known)
    return f"; did you mean {quote(name)}?" if name else ""
