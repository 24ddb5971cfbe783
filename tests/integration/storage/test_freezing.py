"""A transaction that was open too long must not be committed: its host may have lost its locks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.database import Database
from chalicelib.database.connection.clocks import Moment
from chalicelib.database.connection.sqlite_open import open_connection
from chalicelib.errors import TransactionExpired
from tests.integration.storage.doubles import Connections, HeldClocks, intercepted

ADD = "INSERT INTO metadata VALUES (?, '')"


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return [row[0] for row in tx.all("SELECT name FROM metadata")]


@pytest.mark.parametrize("clock", Moment.__slots__)
def test_a_freeze_that_any_one_clock_saw_rolls_back(
    database: Database, clocks: HeldClocks, clock: str
) -> None:
    with pytest.raises(TransactionExpired, match=r"open for 5\.1 s"), database.write() as tx:
        tx.execute(ADD, ("a",))
        clocks.advance(5.1, clock)
    assert names(database) == []
    assert not database.committed(tx.batch_id)


def test_nothing_but_rollback_is_run_after_a_freeze(database: Database, clocks: HeldClocks) -> None:
    """Another host may have written meanwhile: a statement would meet pages of two ages."""
    statements: list[str] = []

    def note(sql: str, run: Callable[[], Any]) -> Any:
        statements.append(sql)
        return run()

    noting = Database(
        database.path, clocks=clocks, connect=lambda path: intercepted(open_connection(path), note)
    )
    with pytest.raises(TransactionExpired), noting.write() as tx:
        tx.execute(ADD, ("a",))
        clocks.advance(60.0)
        statements.clear()
    assert statements == ["ROLLBACK"]


def test_a_statement_that_fails_after_a_freeze_is_put_down_to_the_freeze(
    database: Database, clocks: HeldClocks
) -> None:
    with pytest.raises(TransactionExpired), database.write() as tx:
        clocks.advance(60.0)
        tx.execute("a statement that fails")


def test_a_wall_clock_that_stepped_back_rolls_back(database: Database, clocks: HeldClocks) -> None:
    with pytest.raises(TransactionExpired), database.write() as tx:
        tx.execute(ADD, ("a",))
        clocks.advance(-60.0, "wall")
    assert names(database) == []


def test_a_transaction_of_five_seconds_is_committed(database: Database, clocks: HeldClocks) -> None:
    with database.write() as tx:
        tx.execute(ADD, ("a",))
        clocks.advance(4.9)
    assert names(database) == ["a"]


def test_a_long_transaction_that_changed_nothing_is_no_error(
    database: Database, clocks: HeldClocks
) -> None:
    with database.write() as tx:
        clocks.advance(60.0)
    assert tx.commit_seq is None


def test_the_lock_is_free_and_the_connection_closed_after_a_freeze(
    database: Database, clocks: HeldClocks, connections: Connections
) -> None:
    with pytest.raises(TransactionExpired), database.write() as tx:
        tx.execute(ADD, ("a",))
        clocks.advance(60.0)
    assert connections.still_open() == 0
    with database.write() as tx:
        tx.execute(ADD, ("b",))
    assert names(database) == ["b"]


def test_a_connection_is_used_again_within_five_seconds(
    database: Database, clocks: HeldClocks, connections: Connections
) -> None:
    names(database)
    before = len(connections.opened)
    for _ in range(3):
        clocks.advance(4.9)
        names(database)
    assert len(connections.opened) == before


@pytest.mark.parametrize("clock", Moment.__slots__)
def test_a_connection_that_lay_idle_longer_by_any_clock_is_not_used_again(
    database: Database, clocks: HeldClocks, connections: Connections, clock: str
) -> None:
    names(database)
    before = len(connections.opened)
    clocks.advance(5.1, clock)
    names(database)
    assert len(connections.opened) == before + 1
    assert connections.still_open() == 1


def test_a_busy_process_opens_anew_every_minute(
    database: Database, clocks: HeldClocks, connections: Connections
) -> None:
    before = len(connections.opened)
    for _ in range(100):
        names(database)
        clocks.advance(1.0)
    assert len(connections.opened) - before == 1


def test_a_restored_directory_is_found_when_the_connection_is_opened_anew(
    database: Database, path: Path, clocks: HeldClocks
) -> None:
    with database.write() as tx:
        tx.execute(ADD, ("before the restore",))
    backup = Database(path.parent.with_name("backup") / path.name)
    backup.create_if_missing()
    with backup.write() as tx:
        tx.execute(ADD, ("from the backup",))
    backup.close()
    path.parent.rename(path.parent.with_name("old"))
    backup.path.parent.rename(path.parent)
    clocks.advance(5.1)
    assert names(database) == ["from the backup"]
    with database.write() as tx:
        tx.execute(ADD, ("after the restore",))
    assert names(database) == ["after the restore", "from the backup"]
