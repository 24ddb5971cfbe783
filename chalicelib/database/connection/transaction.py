"""One transaction, as the query modules see it: statements in, values out, everything fetched.

Nothing here can run outside a transaction, and nothing stays open behind it: a cursor that
is not finished would keep its lock on the file after COMMIT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol

from chalicelib.database.connection import sqlite
from chalicelib.database.connection.row_statements import (
    RowStatement,
    in_statements,
    may_change_runs,
    may_see,
)
from chalicelib.database.connection.sqlite_open import DatabaseUnusable, is_busy, is_storage_failure
from chalicelib.errors import DatabaseBusy, TransactionExpired

IntegrityError = sqlite.IntegrityError

MAX_TRANSACTION_SECONDS = 5.0

_INDEX_HINT = re.compile(r"\bINDEXED BY \w+")

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


class RowsNotChanged(BaseException):
    """What a transaction gathered could not be written as it was assumed to be. Nothing but a new
    transaction that gathers nothing helps, hence no Exception, which a bulkhead would catch."""


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
    None before it and for ever if the transaction changed no row or was a read; `run_changes`
    counts the statements that may have changed a row of `runs`.
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
        self._quiet_changes = 0
        self._altered = False
        self._over = False
        self._blocks: list[Savepoint] = []
        self._unset = 0
        self._is_limited = False
        self._is_gathering = False
        self._gathered: dict[RowStatement, list[Sequence[Any]]] = {}
        self._gathered_tables: tuple[str, ...] = ()
        self._gathered_runs: set[int] = set()
        self.run_changes = 0

    def gather(self) -> None:
        """From now on keep what `change_row` and `change_rows` are given, and write it together:
        before the first statement that names the table, or by `write_gathered`. So no reader misses
        a change; but that each changed its row is assumed, and checked only then. If one did not,
        RowsNotChanged is raised.

        A statement that is given a run with `of_run` sees and changes rows of that run only."""
        self._is_gathering = True

    def is_late(self) -> bool:
        """Whether half of a write transaction's time is over: nothing new should be begun in it."""
        return self._age() > MAX_TRANSACTION_SECONDS / 2

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit: a row was written, or the schema was."""
        return (
            self._altered
            or bool(self._gathered)
            or self._connection.total_changes != self._changes_before
        )

    @property
    def is_quiet(self) -> bool:
        """Whether all that was written is bookkeeping."""
        changes = self._connection.total_changes - self._changes_before
        return not self._altered and changes <= self._quiet_changes

    @contextmanager
    def bookkeeping(self) -> Iterator[None]:
        """What this block writes is nothing that somebody who watches the page waits for: a
        transaction of only such blocks is no change."""
        if self._gathered:
            self.write_gathered()
        before = self._connection.total_changes
        try:
            yield
        finally:
            self._quiet_changes += self._connection.total_changes - before

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
        return int(self._change(sql, params).rowcount)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each row of parameters."""
        self._prepare_change(sql)
        self._connection.executemany(sql, rows)

    def change_row(self, statement: RowStatement, values: Sequence[Any], *, of_run: int) -> bool:
        """Change one row. Returns whether it was there to be changed; a transaction that gathers
        assumes so."""
        if not self._is_gathering or self._blocks:
            return self.execute(statement.single, values) == 1
        self._gather(statement, [values], of_run)
        return True

    def change_rows(
        self, statement: RowStatement, rows: Sequence[Sequence[Any]], *, of_run: int
    ) -> None:
        """Change or insert these rows, with as few statements as possible."""
        if self._is_gathering and not self._blocks:
            self._gather(statement, rows, of_run)
        else:
            self._write_rows(statement, rows)

    def write_gathered(self) -> None:
        """Write what was gathered. Raises RowsNotChanged."""
        self._check_open()
        gathered, self._gathered = self._gathered, {}
        self._gathered_runs.clear()
        try:
            for statement, rows in gathered.items():
                self._write_rows(statement, rows)
        except Exception as error:
            if self.is_doomed_by(error):
                raise
            raise RowsNotChanged(str(error)) from error

    def insert(self, sql: str, params: Parameters = ()) -> int:
        """Run an INSERT that adds a row; the rowid of that row."""
        return int(self._change(sql, params).lastrowid or 0)

    def returning(self, sql: str, params: Parameters = ()) -> Row | None:
        """Run a statement that changes at most one row and returns it, or None."""
        self._prepare_change(sql)
        return self.one(sql, params)

    def one(self, sql: str, params: Parameters = (), *, of_run: int | None = None) -> Row | None:
        """The first row of the answer, or None."""
        cursor = self._run(sql, params, of_run)
        try:
            row: Row | None = cursor.fetchone()
            return row
        finally:
            cursor.close()

    def all(self, sql: str, params: Parameters = (), *, of_run: int | None = None) -> list[Row]:
        """The whole answer: let the statement bound it."""
        cursor = self._run(sql, params, of_run)
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

    def savepoint(self) -> Savepoint:
        """A block that is undone, alone, if it raises; the error comes through."""
        return Savepoint(self)

    def end(self) -> None:
        """No statement from here on; called by Database."""
        self._over = True

    def limit(self, views: Iterable[str]) -> None:
        """Run statements that put temporary views before tables, until a read transaction ends.
        Views have no indexes of their own, so hints to use one are left out from here on."""
        for statement in views:
            self._run(statement, ()).close()
        self._is_limited = True

    def _run(self, sql: str, params: Parameters, of_run: int | None = None) -> sqlite.Cursor:
        self._check_open()
        if self._gathered and (of_run is None or of_run in self._gathered_runs):
            self._write_seen_by(sql)
        if self._is_limited:
            sql = _INDEX_HINT.sub("", sql)
        return self._connection.execute(sql, params)

    def _change(self, sql: str, params: Parameters) -> sqlite.Cursor:
        self._prepare_change(sql)
        return self._connection.execute(sql, params)

    def _prepare_change(self, sql: str) -> None:
        self._check_open()
        if self._gathered:
            self._write_seen_by(sql)
        if self._unset:
            self._set_savepoint()
        self.run_changes += may_change_runs(sql)

    def _gather(self, statement: RowStatement, rows: Sequence[Sequence[Any]], run_key: int) -> None:
        self._check_open()
        if statement not in self._gathered:
            self._gathered[statement] = []
            self._gathered_tables = tuple(sorted({one.table for one in self._gathered}))
        self._gathered[statement].extend(rows)
        self._gathered_runs.add(run_key)

    def _write_seen_by(self, sql: str) -> None:
        if may_see(sql, self._gathered_tables):
            self.write_gathered()

    def _write_rows(self, statement: RowStatement, rows: Sequence[Sequence[Any]]) -> None:
        changed = sum(self.execute(*written) for written in in_statements(statement, rows))
        if statement.is_exact and changed != len(rows):
            raise RuntimeError(f"{changed} rows of {statement.table} changed, not {len(rows)}")

    def _set_savepoint(self) -> None:
        """Set one savepoint for all blocks that were entered since the last change."""
        self._connection.execute("SAVEPOINT block")
        first = len(self._blocks) - self._unset
        for block in self._blocks[first:]:
            block.is_set = True
        self._blocks[first].is_owner = True
        self._unset = 0

    def _check_open(self) -> None:
        if self._over or not self._connection.in_transaction:
            raise TransactionOver(
                "the transaction is over: use it inside its `with` block, and let its errors"
                " leave the block"
            )


class Savepoint:
    """A block of a transaction. Its savepoint is set before its first change, and shared by the
    blocks around it that have changed nothing either: most blocks only read, and each savepoint
    costs two statements and a copy of every page that is changed after it."""

    __slots__ = ("_changes", "_tx", "is_owner", "is_set")

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.is_set = self.is_owner = False

    def __enter__(self) -> None:
        tx = self._tx
        tx._check_open()
        if tx._gathered:
            tx.write_gathered()
        tx._blocks.append(self)
        tx._unset += 1
        self._changes = tx._connection.total_changes

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        tx = self._tx
        tx._blocks.pop()
        if not self.is_set:
            tx._unset -= 1
            if tx._connection.total_changes != self._changes:
                raise RuntimeError("a statement that was to read has changed rows: use `returning`")
            return
        # After some errors (disk full) SQLite has rolled back the whole transaction itself.
        if kind is None or tx._connection.in_transaction:
            if kind is not None:
                tx._run("ROLLBACK TO block", ())
            if self.is_owner:
                tx._run("RELEASE block", ())
