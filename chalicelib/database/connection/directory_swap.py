"""The two renames that put a new database directory into the place of the live one.

The new directory is complete, and lies beside the final one, before the first rename. Between the
two there is no database: whoever starts then calls `finish`, so that it does not make an empty one.
Both names carry the same stamp, which tells that they belong together.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from datetime import datetime, timedelta
from pathlib import Path

STAGED, REPLACED = "restored", "replaced"
STAMP = "%Y%m%dT%H%M%SZ"

# A restore that has taken so long is dead: a Lambda function ends after 15 minutes.
STAGED_FOR = timedelta(hours=1)
REPLACED_KEPT = 3


def new_directory(path: Path, now: datetime) -> Path:
    """Make an empty directory beside the database's own, for the file that is to replace it; those
    that dead restores have left are removed."""
    parent = path.parent.parent
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f".{path.parent.name}.{STAGED}-*"):
        if left.name.split("-")[-2] < (now - STAGED_FOR).strftime(STAMP):
            shutil.rmtree(left, ignore_errors=True)
    name = f".{path.parent.name}.{STAGED}-{now.strftime(STAMP)}-{secrets.token_hex(4)}"
    directory = parent / name
    directory.mkdir()
    return directory


def swap(final: Path, staged: Path) -> str | None:
    """Put `staged`, from `new_directory`, in the place of the directory `final`. Answers the name
    beside it under which the old one is kept; None if there was none."""
    aside, kept_as = _aside(final, staged), None
    if final.exists():
        final.rename(aside)
        kept_as = aside.name
    try:
        staged.rename(final)
    except FileNotFoundError:
        pass  # another process has just finished it for us
    except OSError:
        if kept_as:
            aside.rename(final)
        raise
    sync(final.parent)
    return kept_as


def finish(path: Path) -> bool:
    """If a restore died between its two renames, do the second one; whether that was so.

    Whoever finds no database calls this before making one.
    """
    final = path.parent
    if path.exists() or not final.parent.is_dir():
        return False
    for staged in final.parent.glob(f".{final.name}.{STAGED}-*"):
        if _aside(final, staged).exists():
            with contextlib.suppress(FileNotFoundError):  # another has just done it
                staged.rename(final)
            sync(final.parent)
            return True
    return False


def remove_old(final: Path) -> None:
    """Keep only the newest few of the directories that were replaced."""
    old = sorted(final.parent.glob(f"{final.name}.{REPLACED}-*"), reverse=True)
    for directory in old[REPLACED_KEPT:]:
        shutil.rmtree(directory, ignore_errors=True)


def _aside(final: Path, staged: Path) -> Path:
    """Where the old directory goes that `staged` replaces."""
    stamp = staged.name.partition(f"{STAGED}-")[2]
    return final.with_name(f"{final.name}.{REPLACED}-{stamp}")


def sync(directory: Path) -> None:
    """Sync the entries of `directory`, so that renames and new files in it are durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
