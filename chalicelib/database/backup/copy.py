"""A consistent copy of the database file while others write to it.

A reader holds up every COMMIT, and a COMMIT held up for MAX_TRANSACTION_SECONDS is given up by its
writer; so all that counts is how long the read lock is held. Measured on a local disk (400 MB,
two writers, two runs or more; tests/integration/backup/bench_of_copies.py) and over NFS
with a round trip of 3 ms, processor emulated (100 MB):

    way                        longest commit   NFS reads   seconds on NFS
    VACUUM INTO                1.3 to 1.6 s     937         7
    sqlite's backup, one step  1.2 to 2.0 s     778         6 to 10
    sqlite's backup in steps   never ends: begun again after each commit
    a child, one reader        0.4 to 0.8 s     768         3 to 6
    a child, eight readers     (1.5 s, once)    192         2 to 3

So the file is copied as it stands, by a child process (see copier.py), and everything slow is done
to the copy: checking, compressing, uploading. On a local disk the ways differ little.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.database.connection import Database, migrations, sqlite
from chalicelib.database.connection.sqlite_open import DatabaseUnusable, open_connection
from chalicelib.database.connection.transaction import Transaction

log = logging.getLogger("orchestrator.database")

COPIER = Path(__file__).with_name("copy_process.py")

# Long enough for several GB; whoever waits for so long is given an error, and tries again.
MAX_LOCKED_SECONDS = 60.0

LAST_COMMIT = "SELECT coalesce(max(seq), 0) FROM commits"


@dataclass(frozen=True, slots=True)
class State:
    """Which state of the database a file holds: the number of its last commit and its schema's."""

    commit_seq: int
    schema_version: int


@dataclass(frozen=True, slots=True)
class Copied:
    """`size` is in bytes; commits were blocked for `locked_seconds`."""

    state: State
    size: int
    locked_seconds: float


def copy(database: Database, target: Path, *, copier: Path = COPIER) -> Copied:
    """Copy the database into the new file `target`, and check the copy.

    Raises DatabaseBusy, or DatabaseUnusable if it could not be copied or the copy is damaged.
    """
    with _waiting_copier(copier, database.path, target) as child, database.read() as tx:
        began = time.monotonic()
        state = state_of(tx)
        _let_copy(child)
        locked_seconds = time.monotonic() - began
    target_state = inspect(target)
    if target_state != state:
        raise DatabaseUnusable(f"The copy holds {target_state} and not {state}: try again.")
    log.info("copied", extra={"commit_seq": state.commit_seq, "seconds": locked_seconds})
    return Copied(state, target.stat().st_size, locked_seconds)


def inspect(path: Path) -> State:
    """Check a file that nobody else uses, every page and every index of it. Raises
    DatabaseUnusable, also for one that this program did not make or does not know yet."""
    connection = open_connection(path)
    try:
        connection.execute("BEGIN").close()
        tx = Transaction(connection, "")
        problems = [row[0] for row in tx.all("PRAGMA integrity_check(3)")]
        if problems != ["ok"]:
            raise DatabaseUnusable(f"The file is damaged: {'; '.join(problems)}")
        return state_of(tx)
    except sqlite.DatabaseError as error:
        raise DatabaseUnusable(f"The file is damaged: {error}") from error
    finally:
        connection.close()


def state_of(tx: Transaction) -> State:
    """Return the state of the database that the transaction sees. Raises DatabaseUnusable if it is
    not ours."""
    migrations.check(migrations.user_version(tx), least=1)
    row = tx.one(LAST_COMMIT)
    return State(0 if row is None else int(row[0]), migrations.version(tx).number)


@contextlib.contextmanager
def _waiting_copier(program: Path, source: Path, target: Path) -> Iterator[subprocess.Popen[str]]:
    copier = subprocess.Popen(
        # Without the site packages, which it does not need, it starts in a few milliseconds.
        [sys.executable, "-I", "-S", str(program), str(source), str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with copier:
        try:
            assert copier.stdout is not None
            copier.stdout.readline()
            yield copier
        finally:
            copier.kill()


def _let_copy(copier: subprocess.Popen[str]) -> None:
    try:
        _, problem = copier.communicate("go\n", timeout=MAX_LOCKED_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise DatabaseUnusable(
            f"The database could not be copied within {MAX_LOCKED_SECONDS:g} s, and others waited:"
            " it is too large, or its file system too slow, for a copy while it is in use."
        ) from error
    if copier.returncode:
        reason = (problem.splitlines() or [f"status {copier.returncode}"])[-1]
        raise DatabaseUnusable(f"The database could not be copied: {reason}")
