"""Copies a file: `python copy_process.py SOURCE TARGET` says `ready` and begins at the next line.

A program of its own, because a process that holds SQLite's locks must never open and close the file
itself: closing drops every POSIX lock that the process has on it. It is started, and waits, before
the lock is taken, so that writers do not wait for an interpreter to start. Knows nothing of SQLite.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

# An NFS client reads little ahead, so one reader waits for the network most of the time.
READERS = 8
BLOCK = 2 * 1024 * 1024


def copy(source: str, target: str) -> None:
    """Copy `source`, which must not change meanwhile, to the new file `target`. Raises OSError."""
    read = os.open(source, os.O_RDONLY)
    write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def copy_block(start: int) -> None:
        end = min(start + BLOCK, size)
        while start < end:
            block = os.pread(read, end - start, start)
            if not block:
                raise OSError(f"{source} became shorter while it was copied")
            start += os.pwrite(write, block, start)

    size = os.fstat(read).st_size
    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(copy_block, range(0, size, BLOCK)))


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if sys.stdin.readline():  # empty: the one who was to tell us is gone
        copy(sys.argv[1], sys.argv[2])
