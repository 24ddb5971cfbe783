"""Files of records that make many creations durable with one write to the disk.

Threads that add a record at the same time share one `fdatasync`. A file is filled with zeros
beforehand, because a file that grows takes two writes to the disk each time. When it is full, or
could not be written, another one begins; whoever has stored elsewhere what they say removes them.

A record that a crash cut off was acknowledged to nobody. It ends its file.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

FILE_BYTES = 1024 * 1024
MOST_FILES = 2

_HEADER = struct.Struct("<III")
"""Checksum of the rest, length of the key, length of the body."""
_DELETED = 0xFFFFFFFF
"""In place of a body's length: the key was deleted."""

Sync = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Record:
    """`body` is None where the key was deleted."""

    key: str
    body: bytes | None

    def encode(self) -> bytes:
        key = self.key.encode("utf-8", "surrogatepass")
        length = _DELETED if self.body is None else len(self.body)
        payload = key + (self.body or b"")
        return _HEADER.pack(_checksum(len(key), length, payload), len(key), length) + payload


def decode(data: bytes) -> Iterator[Record]:
    """The records at the beginning of `data`."""
    at = 0
    while len(data) - at >= _HEADER.size:
        checksum, key_length, body_length = _HEADER.unpack_from(data, at)
        start = at + _HEADER.size
        middle = start + key_length
        at = middle + (0 if body_length == _DELETED else body_length)
        if key_length == 0 or checksum != _checksum(key_length, body_length, data[start:at]):
            return
        body = None if body_length == _DELETED else data[middle:at]
        yield Record(data[start:middle].decode("utf-8", "surrogatepass"), body)


def _checksum(key_length: int, body_length: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<II", key_length, body_length)))


@dataclass(eq=False, slots=True)
class _Batch:
    """Records that become durable together; `error` says why they did not."""

    records: list[bytes] = field(default_factory=list)
    is_done: bool = False
    error: BaseException | None = None


class Journal:
    """The files in `folder`, which is made if it is missing, of about `file_bytes` each; for the
    threads of one process. `sync` makes durable what was written to a file descriptor."""

    def __init__(
        self, folder: Path, sync: Sync = os.fdatasync, *, file_bytes: int = FILE_BYTES
    ) -> None:
        self._folder = folder
        self._sync = sync
        self._file_bytes = file_bytes
        self._changed = threading.Condition()
        self._next = _Batch()
        self._is_writing = False
        self._file: _File | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._count = len(self.files())

    def files(self) -> list[Path]:
        """Return all files, oldest first."""
        return sorted(self._folder.iterdir())

    def read(self) -> Iterator[Record]:
        """Return all records, oldest first."""
        for path in self.files():
            yield from decode(path.read_bytes())

    def is_long(self) -> bool:
        """Whether there are so many files that the older ones should be removed."""
        return self._count > MOST_FILES

    def add(self, record: Record) -> None:
        """Returns when the record is durable. Raises OSError if it may not be."""
        with self._changed:
            batch = self._next
            batch.records.append(record.encode())
            while not batch.is_done:
                if self._is_writing:
                    self._changed.wait()
                else:
                    self._write_next()
        if batch.error is not None:
            raise batch.error

    def begin_file(self) -> list[Path]:
        """Write to a new file from now on. Returns those before it, which hold every record whose
        `add` has returned."""
        with self._changed:
            while self._is_writing:
                self._changed.wait()
            self._close()
            return self.files()

    def remove(self, files: list[Path]) -> None:
        """Remove files whose records are durable elsewhere."""
        with self._changed:
            for path in files:
                path.unlink(missing_ok=True)
                self._count -= 1

    def _write_next(self) -> None:
        """Write all that waits; what is added meanwhile waits for the next write."""
        batch, self._next = self._next, _Batch()
        self._is_writing = True
        self._changed.release()
        try:
            self._write(b"".join(batch.records))
        except BaseException as error:
            batch.error = error
        finally:
            self._changed.acquire()
            self._is_writing = False
            batch.is_done = True
            self._changed.notify_all()

    def _write(self, data: bytes) -> None:
        if self._file is not None and not self._file.has_room(len(data)):
            self._close()
        if self._file is None:
            self._file = _File(self._next_path(), max(self._file_bytes, len(data)))
            self._count += 1
        try:
            self._file.append(data, self._sync)
        except BaseException:
            self._close()  # nobody knows what it holds behind this place
            raise

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next_path(self) -> Path:
        files = self.files()
        number = int(files[-1].name) + 1 if files else 1
        return self._folder / f"{number:012d}"


class _File:
    """A new file at `path`, durably of `size` bytes."""

    def __init__(self, path: Path, size: int) -> None:
        self._size = size
        self._at = 0
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            _write_all(self._descriptor, bytes(size), 0)
            os.fsync(self._descriptor)
            sync_folder(path.parent)
        except BaseException:
            self.close()
            raise

    def has_room(self, length: int) -> bool:
        return self._at + length <= self._size

    def append(self, data: bytes, sync: Sync) -> None:
        _write_all(self._descriptor, data, self._at)
        sync(self._descriptor)
        self._at += len(data)

    def close(self) -> None:
        os.close(self._descriptor)


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
