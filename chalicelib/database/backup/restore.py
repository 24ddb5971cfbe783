"""Putting another database in the place of the live one, while processes have the old one open.

The new database is made complete in a directory beside the old one's; then two directories are
renamed: the old one aside, the new one into its place. Three things need care.

- A connection that was opened before goes on in the old file, and finds the *new* file's journal by
its name: it would roll one database back with the journal of the other. So the old file is locked
before the renames, and stays locked until no such connection can be in use any more; and it is
retired: its schema version is negated, which every transaction looks at and refuses. Without the
lock 2 of about 60 restores under load lost a commit: the new journal's first page had ended the
retirement. A restore that is killed while it waits leaves this risk. - Between the two renames
there is no database: see directory_swap.py, which ends what a restore left that died at this point.
- If it dies before the renames, the old database may be retired already, and nothing works until
the restore is begun again. It loses nothing and needs nothing that the first one left.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chalicelib.database.backup.copy import LAST_COMMIT
from chalicelib.database.connection import directory_swap, sqlite
from chalicelib.database.connection.create_database import DIRECTORY_CACHE_SECONDS
from chalicelib.database.connection.pool import IDLE_SECONDS
from chalicelib.database.connection.retry import Patience, until_free
from chalicelib.database.connection.sqlite_open import (
    DatabaseUnusable,
    is_busy,
    is_storage_failure,
    open_connection,
)
from chalicelib.database.connection.transaction import MAX_TRANSACTION_SECONDS
from chalicelib.errors import Conflict, DatabaseBusy

log = logging.getLogger("orchestrator.database")

# Until another host's NFS client has forgotten where the old directory was, a connection that was
# opened there has been asked for, and has waited in vain.
LINGER_SECONDS = DIRECTORY_CACHE_SECONDS + IDLE_SECONDS + MAX_TRANSACTION_SECONDS + 10.0

# Readers and writers come and go all the time, and it needs a moment without any of them.
INSISTENT = Patience(budget=30.0, shortest=0.002, longest=0.02)

ACTIVE_RUNS = "SELECT run_id FROM runs WHERE ended_at IS NULL ORDER BY id"
RECORD_COMMIT = (
    "INSERT INTO commits (seq, batch_id, committed_at)"
    " SELECT max(?, coalesce(max(seq), 0)) + 1, ?, ? FROM commits"
)
RECORD_RESTORE = (
    "INSERT INTO audit (at, who, action, target, details) VALUES (?, ?, 'restore', ?, ?)"
)
REVOKED = "SELECT sha256, revoked_at FROM access_tokens WHERE revoked_at IS NOT NULL"
REVOKE = "UPDATE access_tokens SET revoked_at = ? WHERE sha256 = ? AND revoked_at IS NULL"


@dataclass(frozen=True, slots=True)
class Live:
    """The state of the database that is to be replaced; `is_retired` by a restore that died."""

    commit_seq: int
    user_version: int
    active_runs: tuple[str, ...]
    revoked: tuple[tuple[str, int], ...]
    is_retired: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """`kept_as` is the name of the directory beside the database's own that holds what was
    replaced, None if there was nothing; `live` is None if that could not be read."""

    kept_as: str | None
    live: Live | None
    revoked_again: int


def replace(
    path: Path,
    staged: Path,
    now: datetime,
    *,
    who: str,
    what: str = "",
    even_while_runs_are_active: bool = False,
    patience: Patience | None = None,
    linger: float = LINGER_SECONDS,
) -> Replaced:
    """Put the directory `staged`, from `directory_swap.new_directory`, in the place of `path`'s
    own. The new database's audit says `who` restored `what`.

    It must hold a migrated database that is closed. Takes `linger` seconds longer than its work, in
    which the old file stays locked; the new one is in use by then. Raises Conflict, with nothing
    changed, while runs are active; DatabaseBusy; DatabaseUnusable.
    """
    patience = patience or INSISTENT
    directory_swap.finish(path)
    with _locked(path, patience) as connection:
        live = None if connection is None else _look(connection)
        if live is not None and live.active_runs and not even_while_runs_are_active:
            raise _active(live.active_runs)
        revoked_again = _carry_over(staged / path.name, live, now, (who, what))
        if connection is not None and live is not None and not live.is_retired:
            _retire(connection, live)
        kept_as = directory_swap.swap(path.parent, staged)
        log.warning("database replaced", extra={"kept_as": kept_as})
        if connection is not None:
            patience.sleep(linger)
    directory_swap.remove_old(path.parent)
    return Replaced(kept_as, live, revoked_again)


@contextlib.contextmanager
def _locked(path: Path, patience: Patience) -> Iterator[sqlite.Connection | None]:
    """A connection in an exclusive transaction: nobody else can read or write beside it, nor after
    its COMMIT, until it is closed; None if there is no such file, or nothing that can be opened."""
    connection = None
    try:
        connection = until_free(lambda: _lock(path), is_busy, patience, patience.deadline())
    except Exception as error:
        if is_busy(error):
            raise DatabaseBusy(
                f"The database was in use for {patience.budget:g} s on end: try again."
            ) from error
        if not isinstance(error, DatabaseUnusable) and not is_storage_failure(error):
            raise
        log.warning("the database to be replaced cannot be opened: %s", error)
    try:
        yield connection
    finally:
        if connection is not None:
            connection.close()


def _lock(path: Path) -> sqlite.Connection:
    connection = open_connection(path)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE").close()
        connection.execute("BEGIN EXCLUSIVE").close()
    except BaseException:
        connection.close()
        raise
    return connection


def _look(connection: sqlite.Connection) -> Live | None:
    """None if the file is damaged, or is none of ours."""
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            return None
        return Live(
            commit_seq=connection.execute(LAST_COMMIT).fetchone()[0],
            user_version=abs(version),
            active_runs=tuple(row[0] for row in connection.execute(ACTIVE_RUNS)),
            revoked=tuple(map(tuple, connection.execute(REVOKED))),
            is_retired=version < 0,
        )
    except sqlite.DatabaseError as error:
        if not is_storage_failure(error):
            raise
        log.warning("the database to be replaced cannot be read: %s", error)
        return None


def _active(run_ids: tuple[str, ...]) -> Conflict:
    return Conflict(
        f"{len(run_ids)} runs are active ({', '.join(run_ids[:3])}"
        f"{', ...' if len(run_ids) > 3 else ''}), and what they do from now on would be forgotten:"
        " wait, cancel them, or say that it shall be done even while runs are active.",
        active_runs=len(run_ids),
    )


def _carry_over(file: Path, live: Live | None, now: datetime, by: tuple[str, str]) -> int:
    """What the restored database must know of the one that it replaces: a token that was revoked
    stays revoked, no commit gets a number that another had, and it is on record who did this. How
    many tokens were revoked.

    This write also makes the journal, which must be there before the file is published."""
    connection = open_connection(file)
    try:
        connection.execute("BEGIN IMMEDIATE").close()
        revoked = live.revoked if live else ()
        count = sum(
            int(connection.execute(REVOKE, (at, sha256)).rowcount) for sha256, at in revoked
        )
        batch_id = f"restored {now.isoformat()}"
        seq, at = (live.commit_seq if live else 0), int(now.timestamp() * 1_000_000)
        connection.execute(RECORD_COMMIT, (seq, batch_id, at)).close()
        runs = len(live.active_runs) if live else None
        details = json.dumps({"replaced_commit": live and live.commit_seq, "active_runs": runs})
        connection.execute(RECORD_RESTORE, (at, *by, details)).close()
        connection.execute("COMMIT").close()
    finally:
        connection.close()
    directory_swap.sync(file.parent)
    return count


def _retire(connection: sqlite.Connection, live: Live) -> None:
    connection.execute(f"PRAGMA user_version={-live.user_version}").close()
    connection.execute("COMMIT").close()
