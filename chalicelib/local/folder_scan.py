"""Scans the folder of DAG files: which entries can be copied, and what is wrong with the others.
Never blocks on a pipe or a device."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.dag_files import MAX_FILES_BYTES

SUFFIXES = (".yaml", ".yml")

LARGEST = 10 * 1024 * 1024
"""Bytes. Larger YAML files are not copied at all; the parser's own limit is far lower."""
LARGEST_BESIDE = MAX_FILES_BYTES
"""Bytes of a file beside them."""
LONGEST_KEY = 1024
"""Bytes; S3's limit."""

Stamp = tuple[int, int, int, bool]
"""Inode, time of the last change, size, and whether it is executable."""

NO_STAMP: Stamp = (0, 0, 0, False)

_PIECE = 1024 * 1024
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})


class Odd(Exception):
    """An entry that cannot be copied; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, of at most `largest` bytes. `reason` says why it cannot be copied, or is None."""

    key: str
    path: Path
    stamp: Stamp
    reason: str | None = None
    largest: int = LARGEST


@dataclass(slots=True)
class Scan:
    """All entries by key, in the order of the folder, and the key prefixes that could not be listed
    ("" means all)."""

    entries: dict[str, Entry] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)

    def covers(self, key: str) -> bool:
        """Whether the scan would have seen a file with this key."""
        return not key.startswith(tuple(self.unlisted)) if self.unlisted else True


def scan(folder: Path) -> Scan:
    """Scan the folder and its subfolders, except hidden ones and links to folders."""
    listing = Scan()
    odd: list[Entry] = []
    errors: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                entry = file_entry(folder, Path(parent, name))
                if entry is not None and entry.reason is None:
                    listing.entries[entry.key] = entry
                elif entry is not None:
                    odd.append(entry)
    odd += [entry for error in errors if (entry := _unlisted(folder, error, listing)) is not None]
    for entry in odd:
        listing.entries.setdefault(entry.key, entry)  # a made-up name gives way to a real one
    return listing


def read_file(path: Path, largest: int = LARGEST) -> tuple[bytes, Stamp]:
    """Read the file's content and stamp, even if it changed since the scan. Raises Odd or
    OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        reason = _reason(status, largest)
        if reason is not None:
            raise Odd(reason)
        body = b""
        while len(body) <= largest and (piece := os.read(handle, _PIECE)):
            body += piece
    finally:
        os.close(handle)
    if len(body) > largest:
        raise Odd(_too_large(largest))
    return body, _stamp(status)


def file_entry(folder: Path, path: Path, largest: int = LARGEST) -> Entry | None:
    """Returns None if the file no longer exists."""
    key, name_is_odd = key_of(folder, path)
    try:
        status = path.stat()
    except OSError as error:
        if error.errno in _GONE and not path.is_symlink():
            return None
        return Entry(key, path, NO_STAMP, _of_stat(error))
    reason = name_is_odd or _reason(status, largest)
    return Entry(key, path, _stamp(status), reason, largest)


def key_of(folder: Path, path: Path) -> tuple[str, str | None]:
    """Returns the key, and what is wrong with it."""
    key = path.relative_to(folder).as_posix()
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        shown = os.fsencode(key).decode("utf-8", "backslashreplace")
        return shown, "its name is not UTF-8; rename it"
    if length > LONGEST_KEY:
        return key, f"its path has {length} bytes, and S3 takes {LONGEST_KEY}; shorten it"
    return key, None


def _unlisted(folder: Path, error: OSError, listing: Scan) -> Entry | None:
    """A folder that cannot be listed: what was copied from it before stays. A subfolder that no
    longer exists was removed."""
    parent = Path(os.fsdecode(error.filename or folder))
    is_top = parent == folder
    if error.errno in _GONE and not is_top:
        return None
    key, _ = key_of(folder, parent)
    listing.unlisted.append("" if is_top else f"{key}/")
    reason = f"this folder cannot be read: {error.strerror}; what was copied from it stays"
    return Entry("*.yaml" if is_top else f"{key}/*.yaml", parent, NO_STAMP, reason)


def _of_stat(error: OSError) -> str:
    if error.errno in _GONE:
        return "it is a symbolic link to nothing"
    if error.errno == errno.ELOOP:
        return "it is a loop of symbolic links"
    return f"it cannot be read: {error.strerror}"


def _reason(status: os.stat_result, largest: int) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return f"it is {_KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}, not a file"
    return _too_large(largest) if status.st_size > largest else None


def _too_large(largest: int) -> str:
    return f"it is larger than {largest} bytes"


def _stamp(status: os.stat_result) -> Stamp:
    is_executable = bool(status.st_mode & stat.S_IXUSR)
    return status.st_ino, status.st_mtime_ns, status.st_size, is_executable
