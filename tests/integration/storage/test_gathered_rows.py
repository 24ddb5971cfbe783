"""A transaction that gathers changes of rows: few statements, and no reader that misses one."""

from __future__ import annotations

import pytest

from chalicelib.database import Database, Transaction
from chalicelib.database.connection.row_statements import insert_of_rows, update_of_rows
from chalicelib.database.connection.transaction import RowsNotChanged

ADD = insert_of_rows("pools", ("name", "slots", "updated_at"))
SET = update_of_rows(
    "pools", ("name", "slots"), "SET slots = {slots} {rows} WHERE name = {name} AND slots <> 9"
)
ALL = "SELECT name, slots FROM pools ORDER BY name"
RUN, OTHER_RUN = 1, 2


def add(tx: Transaction, *names: str) -> None:
    tx.change_rows(ADD, [(name, 1, 0) for name in names], of_run=RUN)


def pools(tx: Transaction) -> dict[str, int]:
    return dict(tuple(row) for row in tx.all(ALL))


def stored(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return pools(tx)


def test_whoever_reads_the_table_sees_what_was_gathered(database: Database) -> None:
    with database.write() as tx:
        tx.gather()
        add(tx, "a", "b")
        assert pools(tx) == {"a": 1, "b": 1}
        assert tx.change_row(SET, ("a", 2), of_run=RUN)
        assert tx.value("SELECT slots FROM pools WHERE name = 'a'") == 2


def test_whoever_changes_the_table_finds_what_was_gathered(database: Database) -> None:
    with database.write() as tx:
        tx.gather()
        add(tx, "a", "b")
        assert tx.execute("UPDATE pools SET slots = 5") == 2


def test_what_was_gathered_is_committed_though_nobody_has_asked_for_it(
    database: Database,
) -> None:
    with database.write() as tx:
        tx.gather()
        add(tx, "a")
        assert tx.changed
    assert stored(database) == {"a": 1}


def test_who_reads_of_one_run_leaves_the_rows_of_others_gathered(database: Database) -> None:
    with database.write() as tx:
        tx.gather()
        add(tx, "a")
        assert tx.all(ALL, of_run=OTHER_RUN) == []
        assert len(tx.all(ALL, of_run=RUN)) == 1


def test_a_row_that_was_not_there_to_be_changed_undoes_the_transaction(
    database: Database,
) -> None:
    message = "1 rows of pools changed, not 2"
    with pytest.raises(RowsNotChanged, match=message), database.write() as tx:
        tx.gather()
        add(tx, "a")
        assert tx.change_row(SET, ("a", 2), of_run=RUN)
        assert tx.change_row(SET, ("no such pool", 2), of_run=RUN)
    assert stored(database) == {}


def test_a_row_that_breaks_a_constraint_undoes_the_transaction(database: Database) -> None:
    with pytest.raises(RowsNotChanged, match="UNIQUE constraint failed"), database.write() as tx:
        tx.gather()
        add(tx, "a", "a")
    assert stored(database) == {}


def test_without_gathering_each_change_says_whether_it_took_place(database: Database) -> None:
    with database.write() as tx:
        add(tx, "a")
        assert tx.change_row(SET, ("a", 9), of_run=RUN)
        assert not tx.change_row(SET, ("a", 3), of_run=RUN)
    assert stored(database) == {"a": 9}


def test_a_block_that_is_undone_takes_nothing_along_that_was_gathered_before(
    database: Database,
) -> None:
    with database.write() as tx:
        tx.gather()
        add(tx, "before")
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            add(tx, "inside")
            raise ZeroDivisionError
        add(tx, "after")
    assert stored(database) == {"after": 1, "before": 1}


@pytest.mark.parametrize("count", [0, 1, 2, 9, 127, 128, 300])
def test_any_number_of_rows_is_written_once_each(database: Database, count: int) -> None:
    names = [f"p{number:03}" for number in range(count)]
    with database.write() as tx:
        tx.gather()
        add(tx, *names)
        tx.write_gathered()
        for number, name in enumerate(names):
            tx.change_row(SET, (name, number % 8), of_run=RUN)
    assert stored(database) == {name: number % 8 for number, name in enumerate(names)}
