"""Backs up or restores in a process of its own, which is killed at a place in the program.

    python -m tests.integration.backup.victim back_up|restore DATABASE BUCKET SCRATCH FUNCTION COUNT

It kills itself (kill -9) before the COUNTth call, from 1, of FUNCTION, a key of PLACES; with the
count 0 it goes on to the end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.admin import backup
from chalicelib.database import Database
from chalicelib.database.backup import copy as copying
from chalicelib.database.connection import directory_swap
from chalicelib.local.folder_bucket import FolderBucket
from tests.support.fakes import FakeClock

PLACES: dict[str, tuple[Any, str]] = {
    "copy": (copying, "_let_copy"),
    "inspect": (copying, "inspect"),
    "put": (FolderBucket, "put"),
    "get": (FolderBucket, "get"),
    "replace": (backup, "replace"),
    "swap": (directory_swap, "swap"),
    "rename": (Path, "rename"),
    "remove_old": (directory_swap, "remove_old"),
}


def die_before(owner: Any, name: str, count: int) -> None:
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, name, counted)


def main(act: str, database: str, bucket: str, scratch: str, place: str, count: str) -> None:
    backup_context = backup.BackupContext(
        Database(Path(database)),
        FolderBucket(Path(bucket)),
        FakeClock(),
        scratch=Path(scratch),
        linger=0.0,
    )
    die_before(*PLACES[place], int(count))
    print(
        backup.back_up(backup_context)
        if act == "back_up"
        else backup.restore(backup_context, who="ann")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
