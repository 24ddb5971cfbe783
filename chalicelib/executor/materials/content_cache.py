"""The contents that this sandbox has fetched, by their SHA-256.

Commands run as the same user and could write to the cache, and a process can die at any
instruction. So nothing in it is trusted: a content is hashed again each time it is copied out,
and what does not match is fetched again. That also makes it safe to share between threads and
processes; a content appears under its name only as a whole.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from chalicelib.executor.materials.jobs import StopSignal
from chalicelib.executor.workspace import CannotStart, is_scarcity

log = logging.getLogger("orchestrator.executor")

MAX_CACHE_BYTES = 256 * 1024 * 1024
"""Of all contents together: half of the disk that a function of Lambda has by default."""
ABANDONED_AFTER_SECONDS = 3600.0
"""A partial content this old belongs to a process that died."""
CHUNK_BYTES = 1024 * 1024
_LOOK_SECONDS = 0.1
_PARTIAL = "partial-"

Fetch = Callable[[Callable[[bytes], None]], None]
"""Calls what it is given with one piece of the content after the other."""


class WrongContent(CannotStart):
    """What was fetched is not what was promised; asking again will not help."""

    def __init__(self, text: str) -> None:
        super().__init__(text, is_permanent=True)


class ContentCache:
    """Fetches each content once; may be used by several threads and processes at once."""

    def __init__(self, folder: Path | None = None, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._folder = folder or _default_folder()
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._being_fetched: set[str] = set()

    def put(
        self, sha256: str, target: Path, fetch: Fetch, stop: StopSignal, what: str = "a content"
    ) -> None:
        """Store the content at `target`, a new file, and fetch it only if it is not here. Raises
        WrongContent, which names `what`, if it has another SHA-256; OSError; and what `fetch`
        raises."""
        self._reserve(sha256, stop)
        try:
            if not self._copy(sha256, target, stop):
                self._fetch(sha256, target, fetch, stop, what)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self._make_room(self._max_bytes)  # the next attempt needs the disk more
            raise
        finally:
            self._release(sha256)

    def _reserve(self, sha256: str, stop: StopSignal) -> None:
        """Wait until no other thread fetches this content."""
        while True:
            with self._lock:
                if sha256 not in self._being_fetched:
                    self._being_fetched.add(sha256)
                    return
            stop.wait(_LOOK_SECONDS)

    def _release(self, sha256: str) -> None:
        with self._lock:
            self._being_fetched.discard(sha256)

    def _copy(self, sha256: str, target: Path, stop: StopSignal) -> bool:
        """Copy the content out of the cache. Returns False if it is not there, or not as it was."""
        cached = self._folder / sha256
        try:
            with cached.open("rb") as source, target.open("xb") as copy:
                _require_file(source)
                found = _copy_hashed(source, copy, stop)
        except OSError as error:
            if is_scarcity(error):
                raise
            target.unlink(missing_ok=True)
            return False
        if found != sha256:
            log.warning("a cached content was changed or damaged; it is fetched again")
            target.unlink()
            _remove(cached)
            return False
        with suppress(OSError):
            os.utime(cached)  # the least recently used goes first
        return True

    def _fetch(self, sha256: str, target: Path, fetch: Fetch, stop: StopSignal, what: str) -> None:
        digest = hashlib.sha256()
        with target.open("xb") as file:

            def write(piece: bytes) -> None:
                stop.check()
                digest.update(piece)
                file.write(piece)

            fetch(write)
        if digest.hexdigest() != sha256:
            target.unlink()
            raise WrongContent(f"{what} has the SHA-256 {digest.hexdigest()}, expected {sha256}")
        self._keep(sha256, target, stop)

    def _keep(self, sha256: str, source: Path, stop: StopSignal) -> None:
        """Keep a copy for later. A cache that cannot be written to only makes things slower."""
        try:
            if self._make_room(source.stat().st_size):
                self._store(sha256, source, stop)
        except OSError as error:
            log.warning("a fetched content could not be cached: %s", error.strerror)

    def _store(self, sha256: str, source: Path, stop: StopSignal) -> None:
        handle, partial = tempfile.mkstemp(prefix=_PARTIAL, dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as copy, source.open("rb") as original:
                _copy_hashed(original, copy, stop)
            Path(partial).rename(self._folder / sha256)
        except BaseException:
            _remove(Path(partial))
            raise

    def _make_room(self, size: int) -> bool:
        """Remove what was used least recently until `size` bytes more fit. Returns whether they
        can."""
        if size > self._max_bytes:
            return False
        abandoned = time.time() - ABANDONED_AFTER_SECONDS
        entries = []
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if entry.name.startswith(_PARTIAL) and status.st_mtime < abandoned:
                    _remove(Path(entry.path))
                else:
                    entries.append((status.st_mtime, status.st_size, Path(entry.path)))
        used = sum(entry[1] for entry in entries)
        for _, freed, path in sorted(entries):
            if used + size <= self._max_bytes:
                break
            _remove(path)
            used -= freed
        return True


def _copy_hashed(source: BinaryIO, target: BinaryIO, stop: StopSignal) -> str:
    digest = hashlib.sha256()
    while piece := source.read(CHUNK_BYTES):
        stop.check()
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()


def _require_file(opened: BinaryIO) -> None:
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        raise OSError("not a regular file")


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _default_folder() -> Path:
    """A folder of this user's own below the temporary storage, which outlives the process."""
    folder = Path(tempfile.gettempdir()) / f"orchestrator-materials-{os.geteuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if is_ours and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return folder
    log.warning("%s belongs to somebody else; fetched contents are kept elsewhere", folder)
    return Path(tempfile.mkdtemp(prefix="orchestrator-materials-"))
