"""A Bucket in a folder: one file an object. What `create` and `put` answered for outlives the
process; what `create` answered True for, and what is put or deleted with `sync`, outlives the
machine's power as well.

A key is a path below the folder, so that people can look. Whatever could leave the folder, or clash
with another key, is quoted: see `path_of`.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import hashlib
import heapq
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from chalicelib.ports import PIECE_BYTES, ObjectInfo, StoredObject

# A name in Linux's file systems has at most 255 bytes; a longer part of a key goes on in the next
# folder.
PART_LENGTH = 200

FOLDERS = 2
"""Of the runs bucket: the DAG and the run."""

OBJECT = "@"
"""Ends a file's name, so that the keys `a` and `a/b` can both exist."""
GOES_ON = "~"
EMPTY = "%"
SCRATCH = "%scratch"

LARGE_BYTES = 64 * 1024 * 1024

# A folder made for a new object may be removed, as empty, by a deletion that comes between.
ATTEMPTS = 100

# Of the process, because two may write to one folder.
_names = itertools.count()


class FolderBucket:
    """Implements `chalicelib.ports.Bucket`. The folder is made at once; OSError if it cannot be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._scratch = folder / SCRATCH
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._remove_scraps()

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        path = path_of(self._folder, key)
        try:
            with path.open("rb") as file:
                body = file.read(-1 if limit is None else limit)
                status = os.fstat(file.fileno())
        except FileNotFoundError:
            return None
        if len(body) == status.st_size < LARGE_BYTES:
            return StoredObject(key, _md5(body), body)
        etag = etag_of(path, status)
        return None if etag is None else StoredObject(key, etag, body)

    def has(self, key: str) -> bool:
        # Not by way of `Path`: it is asked before each attempt.
        return os.path.exists(f"{self._folder}/{_name_of(key)}")  # noqa: PTH110

    def put(self, key: str, body: bytes, *, sync: bool = False) -> None:
        path = path_of(self._folder, key)
        with self._scrap([body], sync=sync) as scrap:
            new_folders = self._place(path, lambda: scrap.replace(path))
        if sync:
            _sync_names(path, new_folders)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        path = path_of(self._folder, key)
        with self._scrap(chunks, sync=False) as scrap:
            self._place(path, lambda: scrap.replace(path))

    def download(self, key: str) -> Iterator[bytes] | None:
        try:
            file = path_of(self._folder, key).open("rb")
        except FileNotFoundError:
            return None
        return _read_pieces(file)

    def create(self, key: str, body: bytes) -> bool:
        path = path_of(self._folder, key)
        if path.exists():
            return False
        with self._scrap([body], sync=True) as scrap:
            try:
                # A link never replaces, and the object appears complete or not at all.
                new_folders = self._place(path, lambda: path.hardlink_to(scrap))
            except FileExistsError:
                return False
        _sync_names(path, new_folders)
        return True

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """Cost: one walk over what shares the part of `prefix` up to its last slash."""
        files = (
            (key.encode(), path)
            for key, path in self.walk(prefix)
            if key.encode() > start_after.encode()
        )
        return [
            row for key, path in heapq.nsmallest(limit, files) if (row := _row(key.decode(), path))
        ]

    def delete(self, keys: Iterable[str], *, sync: bool = False) -> None:
        for key in keys:
            path = path_of(self._folder, key)
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                if sync:
                    _sync(path.parent)
            self._remove_empty(path.parent)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Path]]:
        """Every key that begins with `prefix`, with its file, in no order."""
        start = path_of(self._folder, prefix).parent
        for folder, below, files in os.walk(start):
            if SCRATCH in below:
                below.remove(SCRATCH)
            for name in files:
                path = Path(folder, name)
                key = key_of(self._folder, path)
                if key.startswith(prefix):
                    yield key, path

    def _place(self, path: Path, place: Callable[[], object]) -> builtins.list[Path]:
        """Put a file where it belongs; the folders that had to be made for it."""
        new: builtins.list[Path] = []
        for _ in range(ATTEMPTS):
            try:
                place()
                return new
            except FileNotFoundError:
                new += _make_folders(path.parent)
        raise FileNotFoundError(f"the folder of {path} is removed again and again")

    @contextlib.contextmanager
    def _scrap(self, chunks: Iterable[bytes], *, sync: bool) -> Iterator[Path]:
        path = self._scratch / f"{os.getpid()}-{next(_names)}"
        try:
            with path.open("xb") as file:
                file.writelines(chunks)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _remove_scraps(self) -> None:
        for scrap in self._scratch.iterdir():
            scrap.unlink(missing_ok=True)

    def _remove_empty(self, folder: Path) -> None:
        with contextlib.suppress(OSError):
            while folder != self._folder:
                folder.rmdir()
                folder = folder.parent


def path_of(folder: Path, key: str) -> Path:
    """The file of `key`. The parts before the first two slashes become folders, all the rest the
    file's name: a folder for each attempt would cost more than the attempt."""
    return folder / _name_of(key)


def _name_of(key: str) -> str:
    """The path of the file below the folder."""
    parts = [piece for part in key.split("/", FOLDERS) for piece in _pieces(part)]
    return "/".join(parts) + OBJECT


def key_of(folder: Path, path: Path) -> str:
    """The inverse of `path_of`."""
    joined = path.relative_to(folder).as_posix().removesuffix(OBJECT)
    parts = joined.replace(f"{GOES_ON}/", "").split("/")
    return "/".join("" if part == EMPTY else unquote(part) for part in parts)


@functools.lru_cache(maxsize=4096)
def _pieces(part: str) -> tuple[str, ...]:
    if not part:
        return (EMPTY,)
    name = quote(part, safe="").replace(GOES_ON, "%7E")
    if set(name) == {"."}:
        name = name.replace(".", "%2E")
    cuts = range(0, len(name), PART_LENGTH)
    pieces = [name[start : start + PART_LENGTH] for start in cuts]
    return (*(piece + GOES_ON for piece in pieces[:-1]), pieces[-1])


def etag_of(path: Path, status: os.stat_result) -> str | None:
    """The MD5 of the file, as S3 has it, kept while the file is unchanged; None if it is gone. A
    large file is not read for that: as on S3, its ETag only differs from those of other files."""
    try:
        if status.st_size >= LARGE_BYTES:
            return _md5(f"{status.st_ino} {status.st_mtime_ns} {status.st_size}".encode()) + "-1"
        return _etag(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except FileNotFoundError:
        return None


@functools.lru_cache(maxsize=4096)
def _etag(path: Path, _inode: int, _mtime_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, _new_md5).hexdigest()


def _read_pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _new_md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _row(key: str, path: Path) -> ObjectInfo | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    etag = etag_of(path, status)
    return None if etag is None else ObjectInfo(key, etag, status.st_size)


def _make_folders(folder: Path) -> list[Path]:
    """Make what is missing; what was made, outermost first."""
    missing = [folder, *folder.parents]
    missing = list(itertools.takewhile(lambda path: not path.exists(), missing))[::-1]
    for path in missing:
        # Another may make it, or remove its parent, at the same time: the caller tries again.
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            path.mkdir()
    return missing


def _sync_names(path: Path, new_folders: list[Path]) -> None:
    for folder in {path.parent, *(new.parent for new in new_folders)}:
        _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
