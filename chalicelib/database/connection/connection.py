"""Transactions on one SQLite file that several processes and hosts share over NFS.

Why each step is as it is:

- A write begins with BEGIN IMMEDIATE: a transaction that reads first and asks for the write lock
  later deadlocks with another that does the same.
- Before COMMIT the clocks are compared. A host that was frozen longer than its NFS lease has
  lost its locks; its COMMIT would fail, and undoing that would destroy what another host
  committed meanwhile. ROLLBACK before COMMIT touches only the memory of this process.
- Each commit is a row with the caller's batch id, so that a COMMIT whose answer was lost can be
  looked up, and with a number one higher than the last.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import NoReturn, TypeVar

from chalicelib.database.connection import create_database, migrations, sqlite
from chalicelib.database.connection.clocks import Clocks, Moment, elapsed, read_clocks
from chalicelib.database.connection.commit_signal import CommitSignal
from chalicelib.database.connection.pool import Held, Pool
from chalicelib.database.connection.retry import Patience, until_free
from chalicelib.database.connection.sqlite_open import (
    DatabaseUnusable,
    is_busy,
    is_storage_failure,
    open_connection,
    storage_failure,
)
from chalicelib.database.connection.transaction import (
    MAX_TRANSACTION_SECONDS,
    IntegrityError,
    NestedTransaction,
    Row,
    Transaction,
)
from chalicelib.errors import DatabaseBusy, TransactionExpired, Unavailable

__all__ = ["Database", "IntegrityError", "NestedTransaction", "Row", "Transaction"]

T = TypeVar("T")

log = logging.getLogger("orchestrator.database")

# A migration may have an index to build. NFS leases are 90 seconds, or shorter on purpose.
MAX_MIGRATION_SECONDS = 30.0

# How many commits are remembered at least, and how often the older ones are removed.
COMMITS_KEPT = 4096
COMMITS_PRUNED_EVERY = 256

RECORD_COMMIT = "INSERT INTO commits (batch_id, committed_at) VALUES (?, ?)"
PRUNE_COMMITS = "DELETE FROM commits WHERE seq <= ?"
RECORD_QUIET = "INSERT INTO quiet_commits (seq) VALUES (?)"
PRUNE_QUIET = "DELETE FROM quiet_commits WHERE seq <= ?"
FIND_COMMIT = "SELECT 1 FROM commits WHERE batch_id = ?"


class Database:
    """The file at `path`; nothing is opened before the first transaction.

    Threads may share one Database, each with at most one transaction at a time. Between
    transactions no lock is held, and an idle connection is used again for a few seconds only, so
    there is nothing to release at the end of a Lambda invocation; `close` is for the end of the
    process. A Database must not be carried across a fork.
    """

    def __init__(
        self,
        path: Path,
        *,
        patience: Patience | None = None,
        clocks: Clocks = read_clocks,
        connect: Callable[[Path], sqlite.Connection] = open_connection,
        steps: Sequence[migrations.Migration] | None = None,
    ) -> None:
        self.path = path
        self._patience = patience or Patience()
        self._clocks = clocks
        self._connect = connect
        self._given_steps = steps
        self._pool = Pool(self._open, clocks)
        self._writer = threading.Lock()
        self._thread = threading.local()
        self.commits = CommitSignal()

    def create_if_missing(self) -> None:
        """Make the file, in a directory of its own, if it is not there; then `migrate`.

        Any number of processes may do this at once. Raises DatabaseUnusable, DatabaseBusy.
        """
        create_database.publish(self.path, self._fill, self._patience)
        self.migrate()

    def migrate(self) -> None:
        """Apply the migrations that are missing, each in a write transaction of its own.

        Safe to call in every process, at any time; old code may go on meanwhile. Raises
        DatabaseUnusable, DatabaseBusy.
        """
        self._migrate(least_version=min(1, self.schema_version))

    @contextmanager
    def write(self, batch_id: str | None = None) -> Iterator[Transaction]:
        """A transaction that holds the write lock from its first statement, and is committed,
        durably, when the block ends; rolled back if the block raises or changed no row.

        Raises DatabaseBusy if the lock could not be had in time, TransactionExpired if the
        block took longer than MAX_TRANSACTION_SECONDS by any clock, DatabaseUnusable. After each of
        them nothing was changed, except where DatabaseUnusable says that this is unknown.
        """
        limit = MAX_TRANSACTION_SECONDS
        with self._write(batch_id or uuid.uuid4().hex, limit, self.schema_version) as transaction:
            yield transaction

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that sees one state of the database. Keep it short: it holds up COMMITs.

        Raises DatabaseBusy, DatabaseUnusable.
        """
        with self._read(self.schema_version) as transaction:
            yield transaction

    def committed(self, batch_id: str) -> bool:
        """Whether a write transaction with this id was committed, among the last few thousand."""
        with self.read() as transaction:
            return transaction.one(FIND_COMMIT, (batch_id,)) is not None

    def close(self) -> None:
        """Close all connections: the idle ones now, each other when its transaction ends."""
        self._pool.close()

    @cached_property
    def _steps(self) -> Sequence[migrations.Migration]:
        return migrations.load() if self._given_steps is None else self._given_steps

    @property
    def schema_version(self) -> int:
        """The one that this program was written for."""
        return len(self._steps)

    def at(self, path: Path) -> Database:
        """Return a Database on another file with the same settings."""
        return Database(path, patience=self._patience, connect=self._connect, steps=self._steps)

    def _fill(self, path: Path) -> None:
        private = self.at(path)
        private._migrate(least_version=0)
        private.close()

    def _migrate(self, least_version: int) -> None:
        with self._read(least_version) as transaction:
            present = migrations.version(transaction).number
        for step in self._steps[present:]:
            with self._write(f"migration {step.name}", MAX_MIGRATION_SECONDS, 0) as transaction:
                migrations.apply(transaction, step)

    @contextmanager
    def _write(self, batch_id: str, limit: float, least_version: int) -> Iterator[Transaction]:
        deadline = self._patience.deadline()
        with self._only_one_of_thread(), self._turn_to_write(deadline):
            held, began = self._begin("BEGIN IMMEDIATE", deadline, least_version)
            age = partial(self._age, began)
            transaction = Transaction(held.connection, batch_id, age)
            with self._ending(held, transaction):
                try:
                    yield transaction
                    transaction.write_gathered()
                except sqlite.Error:
                    # After a freeze a statement may meet pages that another host wrote, and fail.
                    self._check_age(began, limit)
                    raise
                if transaction.changed:
                    self._commit(held, transaction, began, limit)

    @contextmanager
    def _read(self, least_version: int) -> Iterator[Transaction]:
        with self._only_one_of_thread(), self._snapshot(least_version) as transaction:
            yield transaction

    @contextmanager
    def _snapshot(self, least_version: int) -> Iterator[Transaction]:
        held, _ = self._begin("BEGIN", self._patience.deadline(), least_version)
        transaction = Transaction(held.connection, "")
        with self._ending(held, transaction):
            yield transaction

    @contextmanager
    def _only_one_of_thread(self) -> Iterator[None]:
        if getattr(self._thread, "busy", False):
            raise NestedTransaction(
                "this thread has a transaction open already: hand that one on, or end it first"
            )
        self._thread.busy = True
        try:
            yield
        finally:
            self._thread.busy = False

    @contextmanager
    def _turn_to_write(self, deadline: float) -> Iterator[None]:
        """The threads of one process queue here, which is quicker than asking the file."""
        if not self._writer.acquire(timeout=max(0.0, deadline - self._patience.clock())):
            raise self._busy()
        try:
            yield
        finally:
            self._writer.release()

    def _begin(self, statement: str, deadline: float, least_version: int) -> tuple[Held, Moment]:
        """Begin on an idle connection, or, if that one fails, on a new one."""
        begin = partial(self._begin_on, statement, deadline, least_version)
        try:
            try:
                return begin(self._pool.borrow)
            except sqlite.Error as error:
                if not is_storage_failure(error):
                    raise
                return begin(self._pool.open)
        except sqlite.Error as error:
            self._raise_explained(error)

    def _begin_on(
        self, statement: str, deadline: float, least_version: int, get: Callable[[], Held]
    ) -> tuple[Held, Moment]:
        held = self._waiting(get, deadline)

        def begin() -> Moment:
            began = self._clocks()
            _begin_once(held.connection, statement, least_version, self.schema_version)
            return began

        try:
            return held, self._waiting(begin, deadline)
        except BaseException:
            self._pool.discard(held)
            raise

    @contextmanager
    def _ending(self, held: Held, transaction: Transaction) -> Iterator[None]:
        """Whatever happens in the block: nothing open after it, and no doubtful connection kept."""
        is_sound = False
        try:
            yield
            is_sound = True
        except Exception as error:
            is_sound = not isinstance(error, Unavailable) and not is_storage_failure(error)
            self._raise_explained(error)
        finally:
            transaction.end()
            if self._rolled_back(held.connection) and is_sound:
                self._pool.give_back(held)
            else:
                self._pool.discard(held)

    def _rolled_back(self, connection: sqlite.Connection) -> bool:
        with contextlib.suppress(sqlite.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK").close()
            return True
        return False

    def _commit(self, held: Held, transaction: Transaction, began: Moment, limit: float) -> None:
        self._check_age(began, limit)
        is_quiet = transaction.is_quiet
        now = int(self._clocks().wall * 1_000_000)
        seq = transaction.insert(RECORD_COMMIT, (transaction.batch_id, now))
        if seq % COMMITS_PRUNED_EVERY == 0:
            transaction.execute(PRUNE_COMMITS, (seq - COMMITS_KEPT,))
        if is_quiet:
            transaction.execute(RECORD_QUIET, (seq,))
            transaction.execute(PRUNE_QUIET, (seq - COMMITS_KEPT,))

        def commit() -> None:
            # Each time: a COMMIT that finds readers waits for them with the transaction open.
            self._check_age(began, limit)
            held.connection.execute("COMMIT").close()

        try:
            self._waiting(commit, self._patience.deadline())
        except sqlite.Error as error:
            if not is_storage_failure(error):
                raise
            self._pool.discard(held)
            self._settle(transaction.batch_id, error)
        transaction.commit_seq = seq
        if not is_quiet:
            self.commits.notify()
        seconds = elapsed(began, self._clocks())
        log.info(
            "commit",
            extra={"commit_seq": seq, "batch_id": transaction.batch_id, "seconds": seconds},
        )

    def _age(self, began: Moment) -> float:
        return elapsed(began, self._clocks())

    def _check_age(self, began: Moment, limit: float) -> None:
        age = self._age(began)
        if age > limit:
            raise TransactionExpired(
                f"A transaction was open for {age:.1f} s, {limit:g} s are allowed, and was rolled"
                " back: this host was too slow or was frozen. Try again."
            )

    def _settle(self, batch_id: str, error: Exception) -> None:
        """After a failed COMMIT: return if it took effect; raise if it did not, or if that is
        unknown."""
        try:
            with self._snapshot(self.schema_version) as transaction:
                took_place = transaction.one(FIND_COMMIT, (batch_id,)) is not None
        except Exception as doubt:
            raise DatabaseUnusable(
                f"Saving failed ({error}), and whether the change was saved is not known yet:"
                f" look for the batch {batch_id} before you try again."
            ) from doubt
        if not took_place:
            raise storage_failure(error) from error

    def _open(self) -> sqlite.Connection:
        return self._connect(self.path)

    def _waiting(self, attempt: Callable[[], T], deadline: float) -> T:
        return until_free(attempt, is_busy, self._patience, deadline)

    def _raise_explained(self, error: BaseException) -> NoReturn:
        """Raise `error`, or what it means to a caller who does not know SQLite."""
        if is_busy(error):
            raise self._busy() from error
        if is_storage_failure(error):
            raise storage_failure(error) from error
        raise error

    def _busy(self) -> DatabaseBusy:
        return DatabaseBusy(
            f"The database was locked by others for {self._patience.budget:g} s: try again."
        )


def _begin_once(
    connection: sqlite.Connection, statement: str, least_version: int, program_version: int
) -> None:
    """Reading the version takes the read lock too, so that no later statement can find it taken."""
    connection.execute(statement).close()
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        migrations.check(version, least_version, program_version)
    except BaseException:
        connection.execute("ROLLBACK").close()
        raise
