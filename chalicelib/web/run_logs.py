"""All logs of a run as one stream of lines, or the lines of it that contain a text.

A page reads whole parts of logs until it has enough, so that each line comes whole and with its
number. What one page reads is bounded, in bytes and in requests to the bucket; the next page goes
on where it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chalicelib.database.reads.run_logs import AttemptLog
from chalicelib.ports import Bucket
from chalicelib.web.logs import read_source

LOGS_AT_ONCE = 50
"""Logs of which one page reads."""
_STREAMED_BYTES = 256 * 1024
_SEARCHED_BYTES = 4 * 1024 * 1024
_READS = 20
"""Parts read from the bucket, each with a few requests."""
_ENOUGH_MATCHES = 500
_LONGEST_LINE_BYTES = 1024 * 1024

_KEY = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})\.([0-9]{1,15})\.([0-9]{1,15})")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: a task instance's key, an attempt, a byte of its log, and how many lines
    are before that."""

    key: int = 0
    try_number: int = 0
    offset: int = 0
    line: int = 0

    def text(self) -> str:
        return f"{self.key}.{self.try_number}.{self.offset}.{self.line}"


def parse_position(text: str) -> Position:
    """Raises ValueError for anything but the text of a position."""
    match = _KEY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return Position(*map(int, match.groups()))


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one attempt's log with their numbers, counted from 1."""

    log: AttemptLog
    lines: list[tuple[int, str]]


@dataclass
class _Page:
    """What a page has read, and what it may still read."""

    runs: Bucket
    search: str | None
    parts: list[Lines] = field(default_factory=list)
    matches: int = 0

    def __post_init__(self) -> None:
        self.reads = _READS
        self.room = _STREAMED_BYTES if self.search is None else _SEARCHED_BYTES

    @property
    def is_full(self) -> bool:
        return self.room <= 0 or self.reads <= 0 or self.matches >= _ENOUGH_MATCHES

    def add(self, log: AttemptLog, start: Position) -> Position | None:
        """Read the log from there. Returns where to go on if the page is full before its end."""
        at = start
        kept = Lines(log, [])
        for texts, offset in self._whole_lines(log, at.offset):
            numbered = enumerate(texts, at.line + 1)
            wanted = [line for line in numbered if self._is_wanted(line[1])]
            kept.lines.extend(wanted)
            at = Position(log.key, log.attempt.try_number, offset, at.line + len(texts))
            if self.search is not None:
                self.matches += len(wanted)
            if self.is_full:
                break
        else:
            at = Position(log.key, log.attempt.try_number + 1)
        if kept.lines:
            self.parts.append(kept)
        return at if self.is_full else None

    def _is_wanted(self, text: str) -> bool:
        return self.search is None or self.search in _COLOURS.sub("", text).casefold()

    def _whole_lines(self, log: AttemptLog, offset: int) -> Iterator[tuple[list[str], int]]:
        """Lines as they are read, and the byte after them."""
        rest = ""
        while True:
            page = read_source(self.runs, log.source, offset, _STREAMED_BYTES)
            self.reads -= log.source.log is None
            self.room -= page.next_offset - offset
            is_end = not page.content or page.next_offset == log.source.log_bytes
            *texts, rest = (rest + page.content).split("\n")
            offset = page.next_offset
            if rest and (is_end or len(rest) > _LONGEST_LINE_BYTES):
                texts, rest = [*texts, rest], ""
            if texts and not rest:
                yield texts, offset
            elif texts:
                rest = "\n".join([*texts, rest])
            if is_end:
                return


def read_lines(
    runs: Bucket, logs: Iterable[AttemptLog], start: Position, search: str | None
) -> tuple[list[Lines], Position | None]:
    """The lines from `start` on, which is in the first log or before it, and where the next page
    begins; None if all of `logs` were read. Raises Unavailable."""
    page = _Page(runs, None if search is None else search.casefold())
    for log in logs:
        is_start = (log.key, log.attempt.try_number) == (start.key, start.try_number)
        ended = page.add(log, start if is_start else Position())
        if ended is not None:
            return page.parts, ended
    return page.parts, None
