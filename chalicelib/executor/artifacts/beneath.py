"""Opens what lies below a folder, wherever the links that a command left there may lead.

The executor may read what its commands may not: its own environment with its credentials, other
commands' files. So a link is followed only to a place inside the folder, and the way there is then
walked without following any. Nothing of /proc is opened, whatever the folder is: its files tell of
the process that opens them.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that takes a regular file's place must not make the executor wait.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class LeadsOutside(Exception):
    """A link leads out of the folder."""


class SpecialFile(Exception):
    """Neither a regular file nor a folder, or one of /proc."""


def open_folder(path: str) -> int:
    """Return a descriptor of the folder at `path`, which is ours or the user's own choice, unless a
    command has put something else there. Raises OSError, or SpecialFile."""
    return _outside_proc(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def resolve(folder: str, path: str) -> str:
    """Return the place of `path`, relative to `folder`, with links followed. Raises
    LeadsOutside."""
    root = os.path.realpath(folder)
    real = os.path.realpath(os.path.join(root, path))  # noqa: PTH118
    if os.path.commonpath([root, real]) != root:
        raise LeadsOutside
    return os.path.relpath(real, root)


def open_beneath(root: int, path: str) -> int:
    """Open the regular file or folder at `path` below the folder `root`, following no link. The
    caller closes the descriptor. Raises OSError, or SpecialFile."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    at = os.dup(root)
    try:
        for number, part in enumerate(parts, start=1):
            is_last = number == len(parts)
            below = _open_last(part, at) if is_last else os.open(part, _FOLDER, dir_fd=at)
            os.close(at)
            at = below
            _require_outside_proc(at)
    except BaseException:
        os.close(at)
        raise
    return at


def _outside_proc(descriptor: int) -> int:
    try:
        _require_outside_proc(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_outside_proc(descriptor: int) -> None:
    try:
        proc = os.stat("/proc").st_dev  # noqa: PTH116
    except OSError:
        return  # there is none to be outside of
    if os.fstat(descriptor).st_dev == proc and not _is_of_root(proc):
        raise SpecialFile


def _is_of_root(device: int) -> bool:
    """Whether /proc is an ordinary folder, as where nobody mounted it."""
    return os.stat("/").st_dev == device  # noqa: PTH116


def _open_last(name: str, parent: int) -> int:
    # Opening a device may have an effect, so it is not opened to see what it is.
    _require_readable(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    opened = os.open(name, _FILE, dir_fd=parent)
    try:
        _require_readable(os.fstat(opened).st_mode)
    except BaseException:
        os.close(opened)
        raise
    return opened


def _require_readable(mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SpecialFile


def close(descriptor: int) -> None:
    """Close a descriptor that was only read from."""
    with suppress(OSError):
        os.close(descriptor)
