"""Unpacks a .tar.gz or .zip, and nothing of it outside its folder.

No name may lead out, nothing is written through a link, and at the end every link is followed to
see where it leads. How much comes out is counted as it comes, whatever the archive claims.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import IO

from chalicelib.executor.materials.jobs import StopSignal
from chalicelib.executor.materials.tar_reader import ForwardReader, TooMuch
from chalicelib.executor.workspace import CannotStart, is_scarcity

MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_ENTRIES = 20_000
_MAX_LINK_BYTES = 4096
_PIECE_BYTES = 256 * 1024
_SHOWN_NAMES = 5
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others are decompressed without a bound on what comes out at once."""
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


class Refused(Exception):
    """The archive holds something that is not unpacked; the text says what."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder, or a link to `link`; `is_hard` links are relative to the archive."""

    name: str
    is_folder: bool = False
    is_executable: bool = False
    link: str | None = None
    is_hard: bool = False
    open: Callable[[], IO[bytes]] | None = None


def unpack(archive: Path, folder: Path, what: str, stop: StopSignal) -> None:
    """Unpack into `folder`, which is made. Raises CannotStart, which calls the tool `what`."""
    try:
        _Unpacker(folder, stop).unpack(_entries_of(archive, stop))
        _refuse_links_out(folder)
    except Refused as refused:
        raise CannotStart(f"the archive of {what} {refused}", is_permanent=True) from refused
    except TooMuch:
        most = MAX_UNPACKED_BYTES // 1024**2
        text = f"the archive of {what} unpacks to more than {most} MiB, the most that is allowed"
        raise CannotStart(text, is_permanent=True) from None
    except (*_BROKEN, OSError, RuntimeError, ValueError) as error:
        if is_scarcity(error):
            raise
        text = f"the archive of {what} is damaged, or of a kind that is not supported"
        raise CannotStart(text, is_permanent=True) from error


def program_in(folder: Path, path: str, what: str) -> Path:
    """Return the program at `path` of an unpacked archive, made executable. Raises CannotStart."""
    program = folder / path
    if program.is_file():
        program.chmod(0o755)
        return program
    names = [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]
    near = get_close_matches(path, names, _SHOWN_NAMES, cutoff=0.3) or sorted(names)[:_SHOWN_NAMES]
    there = f"; there are {', '.join(f'`{name}`' for name in near)}" if near else ""
    raise CannotStart(f"the archive of {what} has no file `{path}`{there}", is_permanent=True)


def _entries_of(archive: Path, stop: StopSignal) -> Iterator[Entry]:
    with archive.open("rb") as file:
        begin = file.read(4)
    if begin.startswith(_GZIP):
        return _of_tar(archive, stop)
    if begin == _ZIP:
        return _of_zip(archive)
    raise Refused("is neither a .tar.gz nor a .zip; remove its path if it is the program itself")


def _of_tar(archive: Path, stop: StopSignal) -> Iterator[Entry]:
    with (
        closing(ForwardReader(archive, MAX_UNPACKED_BYTES, stop)) as reader,
        tarfile.open(fileobj=reader, mode="r:") as tar,  # type: ignore[call-overload]
    ):
        for member in tar:
            if member.islnk() or member.issym():
                yield Entry(member.name, link=member.linkname, is_hard=member.islnk())
            elif member.isdir():
                yield Entry(member.name, is_folder=True)
            elif member.isreg() and not member.issparse():
                is_executable = bool(member.mode & 0o111)
                yield Entry(
                    member.name,
                    is_executable=is_executable,
                    open=partial(_open_member, tar, member),
                )
            else:
                raise Refused(f"holds `{member.name}`, which is no file, folder or link")


def _open_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    if file is None:
        raise tarfile.ReadError("no content")
    return file


def _of_zip(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.flag_bits & 1:
                raise Refused(f"holds `{info.filename}`, which is encrypted")
            if info.compress_type not in _COMPRESSIONS:
                raise Refused(f"holds `{info.filename}`, compressed in a way that is not supported")
            if kind == stat.S_IFLNK:
                with opened.open(info) as file:
                    link = os.fsdecode(file.read(_MAX_LINK_BYTES))
                yield Entry(info.filename, link=link)
            elif info.is_dir():
                yield Entry(info.filename, is_folder=True)
            elif kind in (0, stat.S_IFREG):
                is_executable = bool(info.external_attr >> 16 & 0o111)
                yield Entry(
                    info.filename,
                    is_executable=is_executable,
                    open=partial(opened.open, info),
                )
            else:
                raise Refused(f"holds `{info.filename}`, which is no file, folder or link")


class _Unpacker:
    """Writes entries below `folder`."""

    def __init__(self, folder: Path, stop: StopSignal) -> None:
        self._folder = folder
        self._stop = stop
        self._links: set[Path] = set()
        self._written = 0

    def unpack(self, entries: Iterator[Entry]) -> None:
        self._folder.mkdir()
        for count, entry in enumerate(entries, start=1):
            if count > MAX_ENTRIES:
                raise Refused(f"holds more than {MAX_ENTRIES} entries")
            self._stop.check()
            target = self._target(entry.name)
            if target != self._folder:
                self._write(entry, target)

    def _target(self, name: str) -> Path:
        if _leads_out(name):
            raise Refused(f"holds `{name}`, which would lie outside of its folder")
        target = Path(os.path.normpath(self._folder / name))
        if not self._links.isdisjoint(target.parents):
            raise Refused(f"holds `{name}`, which would be written through a link")
        return target

    def _write(self, entry: Entry, target: Path) -> None:
        if entry.is_folder:
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() or target.is_symlink():
            raise Refused(f"holds `{entry.name}` twice")
        if entry.link is not None:
            self._link(entry, target)
        elif entry.open is not None:
            with entry.open() as source, target.open("xb") as copy:
                self._copy(source, copy)
            target.chmod(0o755 if entry.is_executable else 0o644)

    def _copy(self, source: IO[bytes], copy: IO[bytes]) -> None:
        while piece := source.read(_PIECE_BYTES):
            self._stop.check()
            self._written += len(piece)
            if self._written > MAX_UNPACKED_BYTES:
                raise TooMuch
            copy.write(piece)

    def _link(self, entry: Entry, target: Path) -> None:
        link = entry.link or ""
        base = self._folder if entry.is_hard else target.parent
        leads_to = Path(os.path.normpath(base / link))
        is_inside = leads_to == self._folder or self._folder in leads_to.parents
        if Path(link).is_absolute() or not is_inside:
            raise Refused(f"holds the link `{entry.name}`, which leads outside of its folder")
        if not entry.is_hard:
            target.symlink_to(link)
            self._links.add(target)
        elif leads_to.is_symlink() or not self._links.isdisjoint(leads_to.parents):
            raise Refused(f"holds the link `{entry.name}`, which leads through another link")
        else:
            target.hardlink_to(leads_to)


def _leads_out(name: str) -> bool:
    # A name from Windows may have backslashes or a drive.
    parts = re.split(r"[\\/]", name)
    return ".." in parts or parts[0] == "" or bool(re.match("[A-Za-z]:", name)) or "\0" in name


def _refuse_links_out(folder: Path) -> None:
    root = folder.resolve()
    for path in folder.rglob("*"):
        if path.is_symlink() and root not in (leads_to := _resolved(path), *leads_to.parents):
            name = path.relative_to(folder)
            raise Refused(f"holds the link `{name}`, which leads outside of its folder")


def _resolved(link: Path) -> Path:
    try:
        with contextlib.suppress(FileNotFoundError):
            link.stat()  # `resolve` tells of a circle only before Python 3.13
        return link.resolve()
    except (OSError, RuntimeError):
        raise Refused(f"holds the link `{link.name}`, which leads to itself") from None
