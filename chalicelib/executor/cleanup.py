"""Removes what commands leave behind, after their results are sent: it may take long, or fail.

A command can leave anything: folders nested deeper than a path may be long or a stack may go, a
million files, folders without permissions, files that cannot be removed, and processes that go on
writing. So a tree is not walked but flattened: each folder in it is moved up beside the first one,
then emptied and removed, which takes two open files and no recursion at any depth.
"""

from __future__ import annotations

import errno
import itertools
import logging
import math
import os
import stat
import threading
import time
from collections import deque
from contextlib import suppress

log = logging.getLogger("orchestrator.executor")

TRIES = 3
"""For a tree that could not be removed in time."""
ROUNDS = 5
"""Through the folders in which files keep appearing."""

AT_ONCE = 32
"""Folders that the background thread waits for, for PAUSE_SECONDS at most."""
PAUSE_SECONDS = 0.2
MOST_WAITING = 512
"""Folders. Above that, those that run commands remove them."""

_MAY_PASS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT})


class Cleaner:
    """Removes folders; may be used by several threads at once."""

    def __init__(self) -> None:
        self._waiting: deque[Removal] = deque()

    def remove(self, root: str, *, folder: str, file: str) -> None:
        """Remove the folder `root`, in which nothing is expected but an empty folder and a file; or
        leave it to `clean`."""
        if not _is_removed(root, folder, file):
            self.later(root)

    def close(self) -> None:
        """Begin nothing that takes long: the process ends."""

    def later(self, root: str) -> None:
        """Have `root` and all that is in it removed by one of the next calls of `clean`."""
        self._waiting.append(Removal(root))

    def clean(self, seconds: float) -> None:
        """Remove what waits, for about `seconds` at most. Never raises; what is left is logged."""
        until = time.monotonic() + seconds
        for _ in range(len(self._waiting)):
            with suppress(IndexError):  # another thread took it
                self._run(self._waiting.popleft(), until)

    def _run(self, removal: Removal, until: float) -> None:
        try:
            removal.run(until)
        except NotNow as error:
            if removal.runs < TRIES:
                self._waiting.append(removal)
            else:
                log.warning("%s is left behind: %s", removal.root, error)
        except Exception as error:
            log.warning("not all of %s can be removed: %s", removal.root, error)


class BackgroundCleaner(Cleaner):
    """Removes folders in a thread of its own, many at once: on a disk that others write to, one can
    take as long as a short command. Only where the process goes on between two commands."""

    def __init__(self) -> None:
        super().__init__()
        self._folders: deque[tuple[str, str, str]] = deque()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def remove(self, root: str, *, folder: str, file: str) -> None:
        self._folders.append((root, folder, file))
        count = len(self._folders)
        if count > MOST_WAITING:
            self._remove_all()
        elif count == 1 or count >= AT_ONCE:
            self._wake.set()
            self._start()

    def later(self, root: str) -> None:
        super().later(root)
        self._wake.set()
        self._start()

    def clean(self, seconds: float) -> None:
        """Do nothing: the thread removes the folders."""

    def close(self) -> None:
        """Remove what waits, before the process ends."""
        self._remove_all()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="cleaner", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if len(self._folders) < AT_ONCE and self._wake.wait(PAUSE_SECONDS):
                self._wake.clear()
            self._remove_all()
            super().clean(math.inf)

    def _remove_all(self) -> None:
        with suppress(IndexError):  # none is left
            while True:
                root, folder, file = self._folders.popleft()
                super().remove(root, folder=folder, file=file)


def _is_removed(root: str, folder: str, file: str) -> bool:
    """Whether nothing else was in it. That is what nearly every command leaves."""
    try:
        with suppress(FileNotFoundError):
            os.unlink(f"{root}/{file}")  # noqa: PTH108
        with suppress(FileNotFoundError):
            os.rmdir(f"{root}/{folder}")  # noqa: PTH106
        os.rmdir(root)  # noqa: PTH106
    except OSError:
        return False
    return True


class NotNow(Exception):
    """The time is over, or something is used up; the removal can go on later."""


class Removal:
    """The removal of the tree `root`. After NotNow another `run` goes on where that one ended."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.runs = 0
        self._error: OSError | None = None
        self._mark = f"gone-{os.urandom(8).hex()}-"  # none of the command's own names
        self._hold = f"{root}-{self._mark}"
        self._folders: list[str] = []
        self._again: list[str] = []
        self._numbers = itertools.count()

    def run(self, until: float) -> None:
        """Raises NotNow, at the moment `until` of `time.monotonic` at the latest; or, when all that
        can be removed is, the first OSError."""
        self.runs += 1
        if not self._again and not self._folders:
            # Not a new folder: the disk may be full.
            self._move(self.root, self._hold)
        for _ in range(ROUNDS):
            while self._folders:
                folder = self._folders.pop()
                try:
                    self._remove(folder, until)
                except NotNow:
                    self._folders.append(folder)
                    raise
            if self._error is not None or not self._again:
                break
            self._folders, self._again = self._again, []
        if self._error is not None:
            raise self._error
        if self._again:
            raise OSError(errno.ENOTEMPTY, "files keep appearing in it")

    def _move(self, path: str, target: str, parent: int | None = None) -> None:
        # Moving a folder, and emptying it, takes the right to write to it.
        with suppress(OSError):
            os.chmod(path, stat.S_IRWXU, dir_fd=parent)
        os.rename(path, target, src_dir_fd=parent)
        self._folders.append(target)

    def _remove(self, folder: str, until: float) -> None:
        try:
            self._empty(folder, until)
            os.rmdir(folder)  # noqa: PTH106
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                os.unlink(folder)  # noqa: PTH108
                return
            if error.errno != errno.ENOTEMPTY:
                self._keep(error)
            # Files keep appearing in it, or others are still held in it.
            self._again.append(folder)

    def _empty(self, folder: str, until: float) -> None:
        # Never by way of a link that has taken the folder's place.
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    if time.monotonic() >= until:
                        raise NotNow("it takes too long")
                    if not entry.name.startswith(self._mark):
                        self._take_out(entry, opened)
        finally:
            os.close(opened)

    def _take_out(self, entry: os.DirEntry[str], parent: int) -> None:
        try:
            if entry.is_dir(follow_symlinks=False):
                number = next(self._numbers)
                self._move(entry.name, f"{self._hold}/{self._mark}{number}", parent)
            else:
                os.unlink(entry.name, dir_fd=parent)
        except FileNotFoundError:
            return
        except OSError as error:
            self._keep(error)

    def _keep(self, error: OSError) -> None:
        if error.errno in _MAY_PASS:
            raise NotNow(error.strerror) from error
        self._error = self._error or error
