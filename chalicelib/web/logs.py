"""Reading the log of an attempt, while it grows and after: from its chunks in the bucket, or from
the database where it is short.

A chunk's key tells at which byte of the whole log it begins, so a page is found by listing from
there: one listing for a reader that follows the log, a few for one that jumps into the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.database.reads.task_instances import LogSource
from chalicelib.messages import Attempt
from chalicelib.ports import Bucket

PAGE_BYTES = 256 * 1024

# Objects read for one page, each a request: a log that trickles has many short chunks.
_CHUNKS_A_PAGE = 50
# How far before an offset the chunk that holds it is looked for. The last is longer than any chunk.
_WINDOWS = (4 * 1024, 64 * 1024, 1024 * 1024)
_LISTED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class LogPage:
    """`next_offset` is where to go on, in bytes of the whole log."""

    content: str
    next_offset: int


def read_source(runs: Bucket, source: LogSource, offset: int, limit: int = PAGE_BYTES) -> LogPage:
    """A page of a log, wherever it is kept: as `read_log` answers. Raises Unavailable."""
    if source.log is not None:
        return page_of(source.log, offset, limit)
    if source.attempt is None:
        return LogPage("", offset)
    return read_log(runs, source.attempt, offset, limit)


def page_of(log: str, offset: int, limit: int = PAGE_BYTES) -> LogPage:
    """The same of a log that is at hand."""
    page = _Page(offset, limit)
    page.add(offset, log.encode()[offset:])
    return LogPage("".join(page.parts), page.position)


def read_log(runs: Bucket, attempt: Attempt, offset: int, limit: int = PAGE_BYTES) -> LogPage:
    """Up to `limit` bytes of the log from byte `offset` on: "" and the same offset where there is
    nothing more (yet). A page may be shorter than the limit although more follows. What was cut
    from a long log is stood for by a line that says how much. Raises Unavailable."""
    page = _Page(offset, limit)
    for chunk in _chunks_from(runs, attempt, offset):
        if not page.has_room_for(chunk):
            break
        # None: cut from the log since it was listed.
        if found := runs.get(attempt.log_chunk_key(chunk.start)):
            page.add(chunk.start, found.body)
    return LogPage("".join(page.parts), page.position)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Bytes `start` to `end` of the whole log."""

    start: int
    end: int


class _Page:
    """Grows chunk by chunk."""

    def __init__(self, offset: int, limit: int) -> None:
        self.parts: list[str] = []
        self.position = offset
        self._room = limit

    def has_room_for(self, chunk: _Chunk) -> bool:
        """Only a chunk that alone is too long is split, so that most pages begin with a chunk."""
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
    """The first `room` bytes and what is left of the character in which they end."""
    end = room
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1
    return data[:end]


def _chunks_from(runs: Bucket, attempt: Attempt, offset: int) -> list[_Chunk]:
    """The chunk that holds `offset`, if one does, and the next ones."""
    following = _list(runs, attempt, offset, _CHUNKS_A_PAGE)
    if offset == 0 or (following and following[0].start == offset):
        return following
    holder = _holding(runs, attempt, offset)
    return following if holder is None else [holder, *following]


def _holding(runs: Bucket, attempt: Attempt, offset: int) -> _Chunk | None:
    """The chunk that begins before `offset` and ends behind it."""
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
    """The chunks that begin at `start` or behind it."""
    behind = attempt.log_chunk_key(start - 1) if start else ""
    rows = runs.list(attempt.log_prefix, start_after=behind, limit=limit)
    found = []
    for row in rows:
        begin = int(row.key.removeprefix(attempt.log_prefix))
        found.append(_Chunk(begin, begin + row.size))
    return found
