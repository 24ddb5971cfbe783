"""Whether a commit happened, and its number, also when the disk fails or the database is busy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.database import Database
from chalicelib.database.connection import sqlite
from chalicelib.database.connection.connection import COMMITS_KEPT, COMMITS_PRUNED_EVERY
from chalicelib.database.connection.retry import Patience
from chalicelib.database.connection.sqlite_open import DatabaseUnusable, open_connection
from chalicelib.errors import DatabaseBusy
from tests.integration.storage.doubles import Connections, disk_failure, intercepted
from tests.support.waiting import HANG_SECONDS

ADD = "INSERT INTO metadata VALUES (?, '')"
IMPATIENT = Patience(budget=0.1)


def add(database: Database, name: str, batch_id: str | None = None) -> int | None:
    with database.write(batch_id) as tx:
        tx.execute(ADD, (name,))
    return tx.commit_seq


def names(database: Database) -> list[str]:
    with database.read() as tx:
        return [row[0] for row in tx.all("SELECT name FROM metadata")]


@contextmanager
def locked_by_another(path: Path) -> Iterator[sqlite.Connection]:
    """Another process's write transaction, as far as SQLite can tell."""
    other = open_connection(path)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def failing(at: str, *, after: bool, times: int = 1) -> Callable[[Path], Any]:
    """Opens connections on which the statement `at` meets a disk failure, before or after it took
    effect, the first `times` times."""
    left = [times]

    def on_statement(sql: str, run: Callable[[], Any]) -> Any:
        if sql != at or left[0] == 0:
            return run()
        left[0] -= 1
        if after:
            run()
        raise disk_failure()

    return lambda path: intercepted(open_connection(path), on_statement)


def test_the_number_moves_by_one_in_each_write_transaction(database: Database) -> None:
    first = add(database, "a")
    assert first is not None
    assert [add(database, "b"), add(database, "c")] == [first + 1, first + 2]


def test_a_transaction_that_changed_no_row_is_not_committed(database: Database) -> None:
    first = add(database, "a")
    with database.write("no change") as tx:
        tx.execute("DELETE FROM metadata WHERE name = 'none'")
    assert tx.commit_seq is None
    assert not database.committed("no change")
    assert first is not None
    assert add(database, "b") == first + 1


def test_a_batch_is_answered_for_once_it_is_committed(database: Database) -> None:
    assert not database.committed("mine")
    add(database, "a", "mine")
    assert database.committed("mine")


def test_a_batch_that_was_rolled_back_was_not_committed(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write("mine"):
        raise ZeroDivisionError
    assert not database.committed("mine")


def test_each_transaction_has_a_batch_id_of_its_own(database: Database) -> None:
    with database.write() as one:
        one.execute(ADD, ("a",))
    with database.write() as other:
        other.execute(ADD, ("b",))
    assert one.batch_id != other.batch_id
    assert database.committed(one.batch_id)
    assert database.committed(other.batch_id)


def test_old_commits_are_forgotten_and_the_numbers_go_on(database: Database) -> None:
    with database.write("long ago") as tx:
        tx.execute("INSERT INTO commits VALUES (?, 'x', 0)", (2 * COMMITS_KEPT,))
    numbers = [add(database, str(i), f"batch {i}") for i in range(COMMITS_PRUNED_EVERY)]
    first = 2 * COMMITS_KEPT + 2
    assert numbers == list(range(first, first + COMMITS_PRUNED_EVERY))
    assert database.committed("batch 0")
    assert not database.committed("migration 0001_initial")


def test_each_commit_is_logged_with_its_number(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "orchestrator.database"):
        seq = add(database, "a", "mine")
    (record,) = caplog.records
    assert (record.commit_seq, record.batch_id) == (seq, "mine")  # type: ignore[attr-defined]


def test_a_commit_whose_answer_was_lost_is_recognised(database: Database) -> None:
    deaf = Database(database.path, connect=failing("COMMIT", after=True))
    seq = add(deaf, "a", "mine")
    assert seq is not None
    assert names(deaf) == ["a"]
    assert add(database, "b") == seq + 1


def test_a_commit_that_failed_is_an_error_and_changed_nothing(database: Database) -> None:
    failed = Database(database.path, connect=failing("COMMIT", after=False))
    with pytest.raises(DatabaseUnusable, match=r"disk I/O error.*nothing was changed"):
        add(failed, "a", "mine")
    assert names(failed) == []
    assert add(failed, "b") is not None


def test_a_commit_of_which_nobody_can_say_whether_it_happened_says_so(database: Database) -> None:
    """COMMIT fails, and so does every attempt to read afterwards."""
    broken = [False]

    def on_statement(sql: str, run: Callable[[], Any]) -> Any:
        broken[0] = broken[0] or sql == "COMMIT"
        if broken[0]:
            raise disk_failure()
        return run()

    doubtful = Database(
        database.path, connect=lambda path: intercepted(open_connection(path), on_statement)
    )
    with pytest.raises(DatabaseUnusable, match="not known yet: look for the batch mine"):
        add(doubtful, "a", "mine")
    broken[0] = False
    assert not doubtful.committed("mine")


def test_a_disk_failure_in_the_block_closes_the_connection(database: Database) -> None:
    failed = Database(database.path, connect=failing("SELECT 1", after=False))
    with pytest.raises(DatabaseUnusable), failed.write() as tx:
        tx.execute(ADD, ("a",))
        tx.one("SELECT 1")
    assert names(database) == []
    assert add(database, "b") is not None


def test_an_idle_connection_that_went_bad_is_replaced_unnoticed(database: Database) -> None:
    bad = [False]

    def on_statement(sql: str, run: Callable[[], Any]) -> Any:
        if bad[0] and sql.startswith("BEGIN"):
            bad[0] = False
            raise disk_failure()
        return run()

    worn = Database(
        database.path, connect=lambda path: intercepted(open_connection(path), on_statement)
    )
    add(worn, "a")
    bad[0] = True
    add(worn, "b")
    assert names(worn) == ["a", "b"]


def test_a_lock_that_is_never_free_is_an_error_that_says_so(database: Database) -> None:
    impatient = Database(database.path, patience=IMPATIENT)
    with (
        locked_by_another(database.path),
        pytest.raises(DatabaseBusy, match=r"0\.1 s: try again"),
    ):
        add(impatient, "a")
    assert add(impatient, "a") is not None


def test_a_lock_that_becomes_free_is_taken(database: Database) -> None:
    with ExitStack() as lock:
        other = lock.enter_context(locked_by_another(database.path))
        waiting = Patience(sleep=lambda _: other.rollback())
        assert add(Database(database.path, patience=waiting), "a") is not None


def test_a_commit_waits_for_readers_and_is_then_made(database: Database) -> None:
    reader = open_connection(database.path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM metadata").fetchall()
    waiting = Patience(sleep=lambda _: reader.rollback())
    assert add(Database(database.path, patience=waiting), "a") is not None
    reader.close()
    assert names(database) == ["a"]


def test_a_commit_that_readers_hold_up_for_too_long_is_rolled_back(database: Database) -> None:
    impatient = Database(database.path, patience=IMPATIENT)
    reader = open_connection(database.path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM metadata").fetchall()
    with pytest.raises(DatabaseBusy):
        add(impatient, "a")
    reader.close()
    assert names(impatient) == []


def test_a_thread_that_waits_for_its_turn_gives_up_in_time(database: Database) -> None:
    impatient = Database(database.path, patience=IMPATIENT)
    errors: list[Exception] = []

    def write() -> None:
        try:
            add(impatient, "b")
        except DatabaseBusy as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    with impatient.write() as tx:
        tx.execute(ADD, ("a",))
        thread.start()
        thread.join(HANG_SECONDS)
    assert len(errors) == 1
    assert names(database) == ["a"]


def test_close_closes_every_connection(database: Database, connections: Connections) -> None:
    threads = [threading.Thread(target=names, args=(database,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    database.close()
    assert connections.still_open() == 0


def test_a_connection_in_use_is_closed_after_its_transaction(
    database: Database, connections: Connections
) -> None:
    with database.write() as tx:
        tx.execute(ADD, ("a",))
        database.close()
        assert connections.still_open() == 1
    assert connections.still_open() == 0
    assert names(database) == ["a"]
