"""Reads an attempt's log, also while it is written: from chunks in the bucket, or from the
database if it is short.

A chunk's key holds the byte at which it starts, so listing from there finds a page: one listing for
a reader that follows the log, a few for one that jumps into the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.database.reads.task_instances import LogSource
from chalicelib.messages import Attempt
from chalicelib.ports import Bucket

PAGE_BYTES = 256 * 1024

# Objects read for one page, each by a request: a slowly written log has many short chunks.
_CHUNKS_A_PAGE = 50
# How far before an offset to look for the chunk that contains it. The last exceeds any chunk.
_WINDOWS = (4 * 1024, 64 * 1024, 1024 * 1024)
_LISTED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class LogPage:
    """Part of a log. `next_offset` is the byte at which the next page starts."""

    content: str
    next_offset: int


def read_source(runs: Bucket, source: LogSource, offset: int, limit: int = PAGE_BYTES) -> LogPage:
    """A page of a log from the database or the bucket; see `read_log`. Raises Unavailable."""
    if source.log is not None:
        return page_of(source.log, offset, limit)
    if source.attempt is None:
        return LogPage("", offset)
    return read_log(runs, source.attempt, offset, limit)


def page_of(log: str, offset: int, limit: int = PAGE_BYTES) -> LogPage:
    """A page of a log that is in memory."""
    page = _Page(offset, limit)
    page.add(offset, log.encode()[offset:])
    return LogPage("".join(page.parts), page.position)


def read_log(runs: Bucket, attempt: Attempt, offset: int, limit: int = PAGE_BYTES) -> LogPage:
    """Up to `limit` bytes of the log from byte `offset`; "" and the same offset if there is nothing
    more yet. A page may be shorter than the limit although more follows. A line states how much was
    cut from a long log. Raises Unavailable."""
    page = _Page(offset, limit)
    for chunk in _chunks_from(runs, attempt, offset):
        if not page.has_room_for(chunk):
            break
        # None if it was cut from the log after it was listed.
        if content := runs.get(attempt.log_chunk_key(chunk.start)):
            page.add(chunk.start, content.body)
    return LogPage("".join(page.parts), page.position)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Bytes `start` to `end` of the log."""

    start: int
    end: int


class _Page:
    """Grows chunk by chunk."""

    def __init__(self, offset: int, limit: int) -> None:
        self.parts: list[str] = []
        self.position = offset
        self._room = limit

    def has_room_for(self, chunk: _Chunk) -> bool:
        """Split a chunk only if it exceeds a page, so that most pages start with a chunk."""
        return not self.parts or chunk.end - max(chunk.start, self.position) <= self._room

    def add(self, start: int, body: bytes) -> None:
        if start > self.position:
            self.parts.append(f"[... {start - self.position} bytes cut ...]\n")
            self.position = start
        data = _cut(body[self.position - start :], self._room)
        self.parts.append(data.decode("utf-8", "replace"))
        self.position += len(data)
        self._room -= len(data)


def _cut(data: bytes, room: int) -> bytes:
    """The first `room` bytes, extended to the end of the last character."""
    end = room
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1
    return data[:end]


def _chunks_from(runs: Bucket, attempt: Attempt, offset: int) -> list[_Chunk]:
    """The chunk that contains `offset`, if any, and those after it."""
    following = _list(runs, attempt, offset, _CHUNKS_A_PAGE)
    if offset == 0 or (following and following[0].start == offset):
        return following
    holder = _holding(runs, attempt, offset)
    return following if holder is None else [holder, *following]


def _holding(runs: Bucket, attempt: Attempt, offset: int) -> _Chunk | None:
    """The chunk that starts before `offset` and ends after it."""
    for window in _WINDOWS:
        last = None
        for chunk in _starting_within(runs, attempt, max(offset - window, 0), offset):
            last = chunk
        if last is not None:
            return last if last.end > offset else None
    return None


def _starting_within(runs: Bucket, attempt: Attempt, low: int, high: int) -> Iterator[_Chunk]:
    while page := _list(runs, attempt, low, _LISTED_AT_ONCE):
        yield from (chunk for chunk in page if chunk.start < high)
        if page[-1].start >= high:
            return
        low = page[-1].start + 1


def _list(runs: Bucket, attempt: Attempt, start: int, limit: int) -> list[_Chunk]:
    """The chunks that start at or after `start`."""
    after = attempt.log_chunk_key(start - 1) if start else ""
    rows = runs.list(attempt.log_prefix, start_after=after, limit=limit)
    starts = [int(row.key.removeprefix(attempt.log_prefix)) for row in rows]
    return [_Chunk(start, start + row.size) for start, row in zip(starts, rows, strict=True)]
