"""Opens an artifact, and reads it piece by piece."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.executor.artifacts.beneath import (
    LeadsOutside,
    SpecialFile,
    close,
    open_beneath,
    open_folder,
    resolve,
)
from chalicelib.ports import PIECE_BYTES

MAX_BYTES = 5 * 1024**3
_MAX_SHOWN = 100


class BadArtifact(Exception):
    """The artifact is not as promised, or cannot be stored; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """An artifact that is open. `descriptor` is that of a file or a folder, `file_name` its name
    without folders."""

    name: str
    path: str
    descriptor: int
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_executable(self) -> bool:
        return not self.is_folder and bool(self.status.st_mode & stat.S_IXUSR)

    @property
    def file_name(self) -> str:
        return posixpath.basename(self.path)

    def rewind(self) -> None:
        """Let a file be read from its beginning again."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)

    def close(self) -> None:
        close(self.descriptor)


def open_source(cwd: str, name: str, path: str) -> Source:
    """Open the file or folder that the command left at `path`. Raises BadArtifact."""
    what = f"the artifact `{name}` at `{shown(path)}`"
    try:
        root = open_folder(cwd)
        try:
            descriptor = open_beneath(root, resolve(cwd, path))
        finally:
            close(root)
    except (FileNotFoundError, NotADirectoryError):
        raise BadArtifact(f"the command did not leave {what} as promised") from None
    except LeadsOutside:
        raise BadArtifact(
            f"{what} is a link that leads out of the working directory; copy the file instead"
        ) from None
    except SpecialFile:
        raise BadArtifact(f"{what} is neither a file nor a folder, so it cannot be kept") from None
    except OSError as error:
        raise BadArtifact(f"{what} cannot be read: {error.strerror}") from None
    return _checked(Source(name, path, descriptor, os.fstat(descriptor)))


def _checked(source: Source) -> Source:
    if not source.is_folder and source.status.st_size > MAX_BYTES:
        source.close()
        raise too_large(source.name)
    return source


def too_large(name: str) -> BadArtifact:
    """Return the error for an artifact that exceeds the limit."""
    return BadArtifact(
        f"the artifact `{name}` is larger than {MAX_BYTES // 1024**3} GiB; compress it, or put it"
        " into a bucket of your own"
    )


def read_file(descriptor: int, before: os.stat_result, what: str) -> Iterator[bytes]:
    """Yield exactly the bytes that the file had when `before` was taken. Raises BadArtifact if it
    changes meanwhile: a process that the command left behind still writes to it."""
    left = before.st_size
    while left > 0 and (piece := os.read(descriptor, min(PIECE_BYTES, left))):
        left -= len(piece)
        yield piece
    after = os.fstat(descriptor)
    if left or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise BadArtifact(
            f"{what} changed while it was stored; see that nothing writes to it when the command"
            " ends"
        )


def shown(path: str) -> str:
    """Return a path that a command chose, for a message."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    plain = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return plain if len(plain) <= _MAX_SHOWN else f"{plain[: _MAX_SHOWN - 3]}..."
