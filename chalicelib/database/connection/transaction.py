"""One transaction, as the query modules see it: statements in, values out, everything fetched.

Nothing here can run outside a transaction, and nothing stays open behind it: a cursor that
is not finished would keep its lock on the file after COMMIT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from chalicelib.database.connection import sqlite
from chalicelib.database.connection.sqlite_open import DatabaseUnusable, is_busy, is_storage_failure
from chalicelib.errors import DatabaseBusy, TransactionExpired

IntegrityError = sqlite.IntegrityError

MAX_TRANSACTION_SECONDS = 5.0

Parameters = Sequence[Any] | Mapping[str, Any]


class Row(Protocol):
    """One row, by column name or position."""

    def __getitem__(self, key: str | int) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> list[str]: ...


class TransactionOver(RuntimeError):
    """A statement was given to a transaction that has ended: a mistake in the program."""


class NestedTransaction(RuntimeError):
    """A transaction was started inside another one in the same thread: a bug in this program."""


DOOMS_TRANSACTION = (
    DatabaseBusy,
    DatabaseUnusable,
    NestedTransaction,
    TransactionExpired,
    TransactionOver,
)
"""After one of these nothing of the transaction can be committed. A storage failure or a lost lock
that SQLite reports itself does the same: ask `Transaction.is_doomed_by`."""


class Transaction:
    """Made by Database.write() and Database.read() only, good until their block ends.

    `batch_id` is what Database.committed() answers for; `commit_seq` is the number of the commit,
    None before it and for ever if the transaction changed no row or was a read.
    """

    def __init__(
        self,
        connection: sqlite.Connection,
        batch_id: str,
        age: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.batch_id = batch_id
        self.commit_seq: int | None = None
        self._connection = connection
        self._changes_before = connection.total_changes
        self._age = age
        self._altered = False
        self._over = False

    def is_late(self) -> bool:
        """Whether half of a write transaction's time is over: nothing new should be begun in it."""
        return self._age() > MAX_TRANSACTION_SECONDS / 2

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit: a row was written, or the schema was."""
        return self._altered or self._connection.total_changes != self._changes_before

    def is_doomed_by(self, error: BaseException) -> bool:
        """Whether nothing of the transaction can be committed after `error`: the process is to end,
        the storage failed, or the time is up. Everything else may be undone with a savepoint."""
        return (
            not isinstance(error, Exception)
            or isinstance(error, DOOMS_TRANSACTION)
            or is_busy(error)
            or is_storage_failure(error)
            or self._over
            or not self._connection.in_transaction
        )

    def execute(self, sql: str, params: Parameters = ()) -> int:
        """Run one statement; the number of rows that it inserted, updated or deleted."""
        cursor = self._run(sql, params)
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each row of parameters."""
        self._check_open()
        self._connection.executemany(sql, rows).close()

    def insert(self, sql: str, params: Parameters = ()) -> int:
        """Run an INSERT that adds a row; the rowid of that row."""
        cursor = self._run(sql, params)
        try:
            return int(cursor.lastrowid or 0)
        finally:
            cursor.close()

    def one(self, sql: str, params: Parameters = ()) -> Row | None:
        """The first row of the answer, or None."""
        cursor = self._run(sql, params)
        try:
            row: Row | None = cursor.fetchone()
            return row
        finally:
            cursor.close()

    def all(self, sql: str, params: Parameters = ()) -> list[Row]:
        """The whole answer: let the statement bound it."""
        cursor = self._run(sql, params)
        try:
            rows: list[Row] = cursor.fetchall()
            return rows
        finally:
            cursor.close()

    def value(self, sql: str, params: Parameters = ()) -> Any:
        """The only column of the first row, None if there is no row."""
        row = self.one(sql, params)
        return None if row is None else row[0]

    def values(self, sql: str, params: Parameters = ()) -> list[Any]:
        """The only column of all rows."""
        return [row[0] for row in self.all(sql, params)]

    def script(self, statements: Iterable[str]) -> None:
        """Run statements that change the schema, which SQLite does not count as changes."""
        for statement in statements:
            self.execute(statement)
        self._altered = True

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block did if it raises, and only that; the error comes through."""
        self.execute("SAVEPOINT block")
        try:
            yield
        except BaseException:
            # After some errors (disk full) SQLite has rolled back the whole transaction itself.
            if self._connection.in_transaction:
                self.execute("ROLLBACK TO block")
                self.execute("RELEASE block")
            raise
        self.execute("RELEASE block")

    def end(self) -> None:
        """No statement from here on; called by Database."""
        self._over = True

    def _run(self, sql: str, params: Parameters) -> sqlite.Cursor:
        self._check_open()
        return self._connection.execute(sql, params)

    def _check_open(self) -> None:
        if self._over or not self._connection.in_transaction:
            raise TransactionOver(
                "the transaction is over: use it inside its `with` block, and let its errors"
                " leave the block"
            )
