"""A folder as one tar archive, written while it is read.

One archive, not an object for each file: it is one request instead of thousands, appears as a whole
or not at all, and one SHA-256 covers names, permissions, links and empty folders, too.
"""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.executor.artifacts.beneath import SpecialFile, close, open_beneath
from chalicelib.executor.artifacts.sources import (
    MAX_BYTES,
    BadArtifact,
    Source,
    read_file,
    shown,
    too_large,
)

MAX_ENTRIES = 20_000
MAX_DEPTH = 100
_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link. `path` is relative to the folder, and empty for itself."""

    path: str
    status: os.stat_result
    target: str = ""


def scan(source: Source) -> list[Entry]:
    """Return all that is in the folder, by name, each folder before what is in it. Raises
    BadArtifact for what cannot be kept, before anything is stored."""
    entries = [Entry("", source.status)]
    to_visit, size = [""], 0
    while to_visit:
        folder = to_visit.pop()
        below = _list(source, folder)
        entries += below
        to_visit += [e.path for e in reversed(below) if stat.S_ISDIR(e.status.st_mode)]
        size += sum(e.status.st_size for e in below if stat.S_ISREG(e.status.st_mode))
        if size > MAX_BYTES:
            raise too_large(source.name)
        if len(entries) > MAX_ENTRIES:
            raise BadArtifact(
                f"the artifact `{source.name}` has more than {MAX_ENTRIES} files; have the command"
                " pack them into an archive"
            )
    return entries


def _list(source: Source, folder: str) -> list[Entry]:
    if folder.count("/") >= MAX_DEPTH:
        raise _bad(source, folder, f"is nested more than {MAX_DEPTH} folders deep")
    opened = _open(source, folder)
    try:
        with os.scandir(opened) as found:
            names = sorted(entry.name for entry in found)
        return [_entry(source, opened, posixpath.join(folder, name), name) for name in names]
    finally:
        close(opened)


def _entry(source: Source, parent: int, path: str, name: str) -> Entry:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise SpecialFile
            return Entry(path, status)
        target = os.readlink(name, dir_fd=parent)
    except SpecialFile:
        raise _bad(source, path, "is neither a file, a folder nor a link") from None
    except OSError as error:
        raise _bad(source, path, f"cannot be read: {error.strerror}") from None
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if target.startswith("/") or place == ".." or place.startswith("../"):
        problem = "is a link that leads out of the folder; copy the file instead"
        raise _bad(source, path, problem)
    return Entry(path, status, target)


def archive(source: Source, entries: list[Entry]) -> Iterator[bytes]:
    """Yield the archive. Everything in it is below a folder with the name of the folder."""
    for entry in entries:
        yield _header(source.file_name, entry)
        if stat.S_ISREG(entry.status.st_mode):
            yield from _content(source, entry)
            yield b"\0" * (-entry.status.st_size % _BLOCK)
    yield b"\0" * (2 * _BLOCK)


def _content(source: Source, entry: Entry) -> Iterator[bytes]:
    opened = _open(source, entry.path)
    try:
        what = f"`{shown(entry.path)}` in the artifact `{source.name}`"
        yield from read_file(opened, entry.status, what)
    finally:
        close(opened)


def _header(name: str, entry: Entry) -> bytes:
    info = tarfile.TarInfo(posixpath.join(name, entry.path).rstrip("/"))
    # Not the owner, who is not there where it is unpacked, nor bits that mean another user.
    info.mode = stat.S_IMODE(entry.status.st_mode) & 0o777
    info.mtime = int(entry.status.st_mtime)
    if stat.S_ISDIR(entry.status.st_mode):
        info.type = tarfile.DIRTYPE
    elif entry.target:
        info.type, info.linkname = tarfile.SYMTYPE, entry.target
    else:
        info.size = entry.status.st_size
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _open(source: Source, path: str) -> int:
    try:
        return open_beneath(source.descriptor, path)
    except OSError as error:
        raise _bad(source, path, f"cannot be read: {error.strerror}") from None
    except SpecialFile:
        raise _bad(source, path, "changed while it was stored") from None


def _bad(source: Source, path: str, problem: str) -> BadArtifact:
    return BadArtifact(f"`{shown(path or '.')}` in the artifact `{source.name}` {problem}")
