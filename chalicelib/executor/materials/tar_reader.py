"""Reads a .tar.gz forwards, and refuses to decompress more than it is allowed to."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from chalicelib.executor.materials.jobs import StopSignal

_PIECE_BYTES = 256 * 1024
MOST_AT_ONCE = 4 * 1024 * 1024
"""What is read at once is held in memory: a header that claims to be longer is no header."""


class TooMuch(Exception):
    """More would be unpacked than is allowed."""


class ForwardReader:
    """The decompressed content, as `tarfile` reads it: forwards only. Every byte counts, also of
    what is skipped."""

    def __init__(self, path: Path, most_bytes: int, stop: StopSignal) -> None:
        self._file = gzip.open(path, "rb")  # noqa: SIM115 - closed by `close`
        self._most_bytes = most_bytes
        self._position = 0
        self._stop = stop

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or position < self._position:
            raise OSError("cannot read backwards")
        while position > self._position:
            if not self.read(min(_PIECE_BYTES, position - self._position)):
                break
        return self._position

    def read(self, size: int = -1) -> bytes:
        self._stop.check()
        if not 0 <= size <= MOST_AT_ONCE:
            raise TooMuch
        data = self._file.read(size)
        self._position += len(data)
        if self._position > self._most_bytes:
            raise TooMuch
        return data

    def close(self) -> None:
        self._file.close()
