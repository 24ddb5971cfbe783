"""Files of the volume that both containers write to.

A command may put anything there, also links, and the container beside it may read what the command
may not. So no link is followed, and what is read is a regular file and short.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LIMIT_BYTES = 4096


def open_shared(path: Path) -> BinaryIO:
    """Open the file to be read. Raises OSError, also if it is no regular file."""
    descriptor = os.open(path, _READ)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb")


def read_shared(path: Path) -> str:
    """Return the text of the file, or its beginning. Raises OSError."""
    with open_shared(path) as file:
        return file.read(_LIMIT_BYTES).decode("utf-8", "replace")


def create_shared(path: Path, text: str = "", mode: int = 0o644) -> None:
    """Write a file that is not there yet. Raises OSError."""
    with os.fdopen(os.open(path, _CREATE), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text.encode("utf-8", "surrogateescape"))


def replace_shared(path: Path, text: str) -> None:
    """Write the file at once: whoever looks sees all of it or nothing."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    create_shared(new, text)
    new.replace(path)
