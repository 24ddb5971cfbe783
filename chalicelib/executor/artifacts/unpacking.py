"""Unpacks the archive of a folder piece by piece.

Links are made last, when all files are written: nothing is ever written through one.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from chalicelib.ports import PIECE_BYTES


class BadArchive(Exception):
    """The archive is not one of ours, or incomplete."""


def unpack(pieces: Iterator[bytes], target: Path) -> None:
    """Make the folder `target`, which must not be there, of the archive. Raises BadArchive,
    OSError, and what `pieces` raises."""
    target.mkdir()
    folders: list[tuple[Path, tarfile.TarInfo]] = []
    links: list[tuple[Path, str]] = []
    stream = cast(IO[bytes], _Stream(pieces))
    try:
        with tarfile.open(
            fileobj=stream,
            mode="r|",
            bufsize=PIECE_BYTES,
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would keep all of them
                path = _place(member, target)
                if member.isdir():
                    path.mkdir(mode=0o700, exist_ok=path == target)
                    folders.append((path, member))
                elif member.issym():
                    links.append((path, member.linkname))
                elif member.isreg():
                    _write(archive, member, path)
                else:
                    raise BadArchive(f"`{member.name}` is neither a file, a folder nor a link")
    except tarfile.TarError as error:
        raise BadArchive(str(error)) from error
    for path, destination in links:
        path.symlink_to(destination)
    # From the innermost on: what may not be written to can still be filled until then.
    for path, member in reversed(folders):
        _take_over(path, member)


def _place(member: tarfile.TarInfo, target: Path) -> Path:
    """Return where a member goes: below one folder with the name that it had."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BadArchive(f"`{member.name}` would lie outside")
    return target.joinpath(*path.parts[1:])


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = archive.extractfile(member)
    if content is None:
        raise BadArchive(f"`{member.name}` has no content")
    with path.open("xb") as file:
        while piece := content.read(PIECE_BYTES):
            file.write(piece)
    _take_over(path, member)


def _take_over(path: Path, member: tarfile.TarInfo) -> None:
    path.chmod(member.mode & 0o777)
    os.utime(path, (member.mtime, member.mtime))


class _Stream:
    """Lets tarfile read the pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return b""
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece
