"""The log of one attempt in the bucket: immutable chunks, written while the command runs.

A chunk's key says at which byte of the whole log it begins. Of a long log the first HEAD_BYTES
and the last TAIL_BYTES are kept: behind the head, old chunks are dropped as new ones come, and
most of what a command pours out in between is never sent at all.

A log that is short when the command ends before the first flush is never put there: it travels in
the result, because a request to S3 costs as much as a second of Lambda.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib.messages import Attempt
from chalicelib.ports import Bucket

HEAD_BYTES = 5 * 1024 * 1024
TAIL_BYTES = 5 * 1024 * 1024
LAST_BYTES = 4096
"""Of the log's end, from which the line that tells why a command failed is taken."""
CHUNK_BYTES = 256 * 1024
"""A chunk is at most this long, unless a single line is longer."""

FIRST_FLUSH = 1.5
NEXT_FLUSH = 2.0
SLOWEST_FLUSH = 10.0
SLOWING = 1.25


@dataclass(slots=True, eq=False)
class _Chunk:
    """`sent`: its upload has begun, so it never changes again and may be in the bucket."""

    offset: int
    size: int = 0
    data: bytearray = field(default_factory=bytearray)
    sent: bool = False


class LogStore:
    """One thread writes; one at a time, perhaps another, flushes.

    Holds at most HEAD_BYTES + TAIL_BYTES, however slow the bucket is. `length` is the length of
    the whole log, what was cut from its middle included; `last` are its last LAST_BYTES.
    """

    def __init__(self, runs: Bucket, attempt: Attempt) -> None:
        self.length = 0
        self._runs = runs
        self._attempt = attempt
        self._lock = threading.Lock()
        self._in_head = True
        self._waiting: deque[_Chunk] = deque()
        self._tail: deque[_Chunk] = deque()
        self._tail_bytes = 0
        self._cut: list[int] = []
        self._failing = False
        self.last = b""

    def write(self, lines: bytes) -> None:
        """Add whole lines."""
        self.last = (self.last + lines[-LAST_BYTES:])[-LAST_BYTES:]
        with self._lock:
            for piece in _pieces(lines):
                self._add(piece)

    def waiting(self) -> bool:
        """Whether there is anything to flush."""
        return bool(self._waiting)

    def full(self) -> bool:
        """Whether so much of the head waits that it should be flushed now."""
        return self._in_head and len(self._waiting) > 1 and not self._failing

    def whole(self, limit: int) -> bytes | None:
        """The whole log, if it is at most `limit` bytes long and none of it was ever sent."""
        with self._lock:
            if self.length > limit or sum(chunk.size for chunk in self._unsent()) < self.length:
                return None
            return b"".join(chunk.data for chunk in self._unsent())

    def _unsent(self) -> list[_Chunk]:
        return [chunk for chunk in self._waiting if not chunk.sent]

    def flush(self) -> None:
        """Store what waits, remove what was cut. Raises Unavailable; the rest then waits on."""
        self._failing = True
        while chunk := self._take():
            self._runs.put(self._attempt.log_chunk_key(chunk.offset), bytes(chunk.data))
            self._forget(chunk)
        with self._lock:
            cut, self._cut = self._cut, []
        if cut:
            self._runs.delete([self._attempt.log_chunk_key(offset) for offset in cut])
        self._failing = False

    def _add(self, piece: bytes) -> None:
        if self._in_head and self.length + len(piece) > HEAD_BYTES:
            self._in_head = False
            self._open_chunk()
        chunk = self._waiting[-1] if self._waiting else None
        if chunk is None or chunk.sent or chunk.size + len(piece) > CHUNK_BYTES:
            chunk = self._open_chunk()
        chunk.data += piece
        chunk.size += len(piece)
        self.length += len(piece)
        if not self._in_head:
            self._tail_bytes += len(piece)
            self._cut_old()

    def _open_chunk(self) -> _Chunk:
        chunk = _Chunk(self.length)
        self._waiting.append(chunk)
        if not self._in_head:
            self._tail.append(chunk)
        return chunk

    def _cut_old(self) -> None:
        while self._tail_bytes > TAIL_BYTES:
            chunk = self._tail.popleft()
            self._tail_bytes -= chunk.size
            if chunk in self._waiting:
                self._waiting.remove(chunk)
            if chunk.sent:
                self._cut.append(chunk.offset)

    def _take(self) -> _Chunk | None:
        with self._lock:
            if not self._waiting:
                return None
            self._waiting[0].sent = True
            return self._waiting[0]

    def _forget(self, chunk: _Chunk) -> None:
        """Drop bytes that are stored."""
        with self._lock:
            chunk.data = bytearray()
            if self._waiting and self._waiting[0] is chunk:
                self._waiting.popleft()


def _pieces(lines: bytes) -> Iterator[bytes]:
    """Cut at line ends into pieces of at most CHUNK_BYTES; a longer line stays whole."""
    start = 0
    while len(lines) - start > CHUNK_BYTES:
        end = lines.rfind(b"\n", start, start + CHUNK_BYTES) + 1 or lines.index(b"\n", start) + 1
        yield lines[start:end]
        start = end
    if start < len(lines):
        yield lines[start:]


class FlushPace:
    """When to flush: soon after the first line, then at growing intervals. Moments in seconds."""

    def __init__(self) -> None:
        self._interval = NEXT_FLUSH
        self._due: float | None = None

    def due_at(self, store: LogStore, now: float) -> float:
        """The time of the next flush; infinite while nothing is buffered."""
        if not store.waiting():
            return float("inf")
        if self._due is None:
            self._due = now + FIRST_FLUSH
        return now if store.full() else self._due

    def flushed(self, now: float) -> None:
        self._due = now + self._interval
        self._interval = min(self._interval * SLOWING, SLOWEST_FLUSH)
