"""What a transaction gives to the query modules, on a real file."""

from __future__ import annotations

import threading

import pytest

from chalicelib.database import Database, IntegrityError, Transaction
from chalicelib.database.connection.connection import NestedTransaction
from chalicelib.database.connection.transaction import TransactionOver
from tests.integration.storage.doubles import Connections
from tests.support.waiting import HANG_SECONDS

ADD = "INSERT INTO metadata (name, value) VALUES (?, ?)"
NAMES = "SELECT name FROM metadata ORDER BY name"


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return [row["name"] for row in tx.all(NAMES)]


def test_what_a_write_did_is_there_for_the_next_reader(database: Database) -> None:
    with database.write() as tx:
        assert tx.execute(ADD, ("a", "1")) == 1
        tx.executemany(ADD, [("b", "2"), ("c", "3")])
    assert names(database) == ["a", "b", "c"]


def test_rows_are_read_by_name_and_by_position(database: Database) -> None:
    with database.read() as tx:
        row = tx.one("SELECT 7 AS seven, 'x' AS letter")
    assert row is not None
    assert (row["seven"], row[1], row.keys(), len(row)) == (7, "x", ["seven", "letter"], 2)
    assert dict(row) == {"seven": 7, "letter": "x"}


def test_no_row_is_none_and_no_rows_an_empty_list(database: Database) -> None:
    with database.read() as tx:
        assert tx.one(NAMES) is None
        assert tx.all(NAMES) == []


def test_insert_answers_with_the_rowid(database: Database) -> None:
    insert = "INSERT INTO ticks (id, started_at, duration_us, counts) VALUES (?, 0, 0, '{}')"
    with database.write() as tx:
        assert [tx.insert(insert, (key,)) for key in (41, None)] == [41, 42]


def test_an_update_says_how_many_rows_it_changed(database: Database) -> None:
    with database.write() as tx:
        tx.executemany(ADD, [("a", "1"), ("b", "2")])
        assert tx.execute("UPDATE metadata SET value = '3'") == 2
        assert tx.execute("UPDATE metadata SET value = '3' WHERE name = ?", ("none",)) == 0


def test_an_error_in_the_block_rolls_everything_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        tx.execute(ADD, ("a", "1"))
        raise ZeroDivisionError
    assert tx.commit_seq is None
    assert names(database) == []


def test_a_broken_constraint_rolls_back_and_the_connection_is_kept(
    database: Database, connections: Connections
) -> None:
    before = len(connections.opened)
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.execute(ADD, ("a", "1"))
        tx.execute(ADD, ("a", "2"))
    assert names(database) == []
    assert len(connections.opened) == before


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.write() as tx:
        tx.execute(
            "INSERT INTO import_errors (file_key, problems, lines, recorded_at)"
            " VALUES ('no such file', '[]', '{}', 0)"
        )


def test_a_savepoint_undoes_its_own_block_only(database: Database) -> None:
    with database.write() as tx:
        tx.execute(ADD, ("kept", "1"))
        with pytest.raises(IntegrityError), tx.savepoint():
            tx.execute(ADD, ("undone", "1"))
            tx.execute(ADD, ("undone", "2"))
        with tx.savepoint():
            tx.execute(ADD, ("second", "1"))
    assert names(database) == ["kept", "second"]


def test_savepoints_nest(database: Database) -> None:
    with database.write() as tx, tx.savepoint():
        tx.execute(ADD, ("outer", "1"))
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            tx.execute(ADD, ("inner", "1"))
            raise ZeroDivisionError
    assert names(database) == ["outer"]


def test_blocks_that_share_a_savepoint_are_undone_one_by_one(database: Database) -> None:
    with database.write() as tx, tx.savepoint():
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            with tx.savepoint():
                tx.execute(ADD, ("innermost", "1"))
            tx.execute(ADD, ("inner", "1"))
            raise ZeroDivisionError
        with tx.savepoint():
            tx.execute(ADD, ("kept", "1"))
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            tx.execute(ADD, ("undone", "1"))
            raise ZeroDivisionError
    assert names(database) == ["kept"]


def test_the_outer_of_two_blocks_that_share_a_savepoint_undoes_both(database: Database) -> None:
    with database.write() as tx:
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            with tx.savepoint():
                tx.execute(ADD, ("inner", "1"))
            raise ZeroDivisionError
        tx.execute(ADD, ("after", "1"))
    assert names(database) == ["after"]


def test_a_block_that_only_reads_sets_no_savepoint(database: Database) -> None:
    with database.write() as tx:
        statements: list[str] = []
        tx._connection.set_trace_callback(statements.append)
        with tx.savepoint(), tx.savepoint():
            tx.all(NAMES)
        with tx.savepoint(), tx.savepoint():
            tx.execute(ADD, ("a", "1"))
        tx._connection.set_trace_callback(None)
    marks = [text for text in statements if "block" in text]
    assert marks == ["SAVEPOINT block", "RELEASE block"]


def test_a_block_notices_a_change_that_was_passed_off_as_reading(database: Database) -> None:
    change = "INSERT INTO metadata (name, value) VALUES ('a', '1') RETURNING name"
    with pytest.raises(RuntimeError, match="returning"), database.write() as tx, tx.savepoint():
        tx.one(change)
    with database.write() as tx, tx.savepoint():
        assert tx.returning(change) is not None
    assert names(database) == ["a"]


def test_a_savepoint_does_not_hide_that_sqlite_rolled_everything_back(database: Database) -> None:
    add_or_roll_back = "INSERT OR ROLLBACK INTO metadata VALUES ('a', '1')"
    with pytest.raises(IntegrityError), database.write() as tx, tx.savepoint():
        tx.execute(add_or_roll_back)
        tx.execute(add_or_roll_back)
    assert names(database) == []


def test_no_statement_runs_after_sqlite_rolled_everything_back(database: Database) -> None:
    add_or_roll_back = "INSERT OR ROLLBACK INTO metadata VALUES ('a', '1')"
    with pytest.raises(TransactionOver), database.write() as tx:
        tx.execute(add_or_roll_back)
        with pytest.raises(IntegrityError):
            tx.execute(add_or_roll_back)
        tx.execute(ADD, ("b", "would be committed on its own"))
    assert names(database) == []


@pytest.mark.parametrize("kind", ["read", "write"])
def test_no_statement_runs_outside_the_block(database: Database, kind: str) -> None:
    with getattr(database, kind)() as tx:
        pass
    with pytest.raises(TransactionOver, match="inside its `with` block"):
        tx.all(NAMES)


@pytest.mark.parametrize("outer", ["read", "write"])
@pytest.mark.parametrize("inner", ["read", "write"])
def test_a_transaction_inside_another_is_refused(
    database: Database, outer: str, inner: str
) -> None:
    with getattr(database, outer)() as tx:
        with pytest.raises(NestedTransaction, match="open already"), getattr(database, inner)():
            pass
        assert tx.all(NAMES) == []
    assert names(database) == []


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    """The writer's COMMIT waits for the reader, so it may only end after the read."""
    seen: list[list[str]] = []
    begun, done = threading.Event(), threading.Event()

    def write() -> None:
        with database.write() as tx:
            tx.execute(ADD, ("a", "1"))
            begun.set()
        done.set()

    writer = threading.Thread(target=write)
    with database.read() as tx:
        writer.start()
        assert begun.wait(HANG_SECONDS)
        seen = [[row["name"] for row in tx.all(NAMES)] for _ in range(3)]
        assert not done.is_set()
    writer.join(HANG_SECONDS)
    assert seen == [[], [], []]
    assert names(database) == ["a"]


def test_threads_that_write_at_once_take_turns(database: Database) -> None:
    def count(tx: Transaction) -> None:
        row = tx.one("SELECT value FROM metadata WHERE name = 'n'")
        tx.execute(
            "INSERT OR REPLACE INTO metadata VALUES ('n', ?)", (int(row[0]) + 1 if row else 1,)
        )

    def write_often() -> None:
        for _ in range(25):
            with database.write() as tx:
                count(tx)

    threads = [threading.Thread(target=write_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    with database.read() as tx:
        assert [row["value"] for row in tx.all("SELECT value FROM metadata")] == ["100"]
