"""Making the database file, once, so that no other process ever sees half of it.

It is made in a directory of its own beside the final one, which is then renamed into place. The
directory matters as much as the file: the rollback journal must be there before the first
reader on another NFS client looks, or that client remembers that there is none.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from chalicelib.database.connection import directory_swap
from chalicelib.database.connection.retry import Patience, until_free
from chalicelib.database.connection.sqlite_open import DatabaseUnusable, open_connection, unusable

# How long an NFS client may believe what it knows of a directory (mount option acdirmax).
DIRECTORY_CACHE_SECONDS = 60.0


def publish(path: Path, fill: Callable[[Path], None], patience: Patience) -> bool:
    """Create the database `path` if it is missing. Returns whether this call created it.

    `fill` is given the path of an empty database in a private directory, and must commit at least
    one write transaction and close the file. Of several processes that do this at once one
    succeeds, and the others find its database. Raises DatabaseUnusable.
    """
    final = path.parent
    if path.exists() or directory_swap.finish(path):
        return False
    private = _make_private_directory(final)
    try:
        _make(private / path.name, fill)
        if _rename(private, final):
            directory_swap.sync(final.parent)
            return True
    finally:
        shutil.rmtree(private, ignore_errors=True)
    _wait_until_visible(path, patience)
    return False


def journal_of(path: Path) -> Path:
    """Where SQLite keeps the rollback journal of the database `path`."""
    return path.with_name(f"{path.name}-journal")


def _make_private_directory(final: Path) -> Path:
    private = final.parent / f".{final.name}.{secrets.token_hex(8)}.new"
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        private.mkdir()
    except OSError as error:
        raise unusable(
            final,
            f"The database cannot be made ({error.strerror}): this process must be allowed to make"
            f" the directory {final.name} where ORCHESTRATOR_DATABASE puts it.",
        ) from error
    return private


def _make(path: Path, fill: Callable[[Path], None]) -> None:
    open_connection(path, create=True).close()
    fill(path)
    if not journal_of(path).exists():
        raise DatabaseUnusable(
            f"SQLite left no journal beside {path.name}: it must run in journal mode PERSIST"
        )


def _rename(private: Path, final: Path) -> bool:
    """False if `final` is there and not empty; an empty directory is replaced.

    The error is believed, not a look at `final`: an NFS client that looked before remembers.
    """
    try:
        private.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _wait_until_visible(path: Path, patience: Patience) -> None:
    """An NFS client may remember for a while that the winner's directory is not there, or empty;
    reading it makes the client ask again."""

    def look() -> None:
        list(path.parent.parent.iterdir())
        if not any(path.parent.iterdir()):
            raise FileNotFoundError(path)

    patient = replace(patience, budget=max(patience.budget, DIRECTORY_CACHE_SECONDS))
    with contextlib.suppress(FileNotFoundError):
        until_free(look, _is_missing, patient, patient.deadline())
    if not path.exists():
        raise unusable(
            path,
            f"The directory {path.parent.name} holds other files but no {path.name}: the database"
            " needs a directory of its own; let ORCHESTRATOR_DATABASE name a file in a new one.",
        )


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, FileNotFoundError)
