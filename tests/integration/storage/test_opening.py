"""The settings of every connection, and what is said of a file that cannot be used."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.database import Database
from chalicelib.database.connection import sqlite
from chalicelib.database.connection.create_database import journal_of
from chalicelib.database.connection.sqlite_open import (
    SETTINGS,
    DatabaseUnusable,
    apply_settings,
    open_connection,
)
from tests.integration.storage.doubles import Connections, HeldClocks, intercepted, is_open
from tests.support.waiting import HANG_SECONDS

EXPECTED = {
    "busy_timeout": 0,
    "journal_mode": "persist",
    "synchronous": 2,
    "cache_spill": 0,
    "mmap_size": 0,
    "temp_store": 2,
    "foreign_keys": 1,
}


def pragma(connection: sqlite.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_every_connection_has_the_settings(
    database: Database, clocks: HeldClocks, connections: Connections
) -> None:
    def read() -> None:
        with database.read() as tx:
            tx.all("SELECT * FROM metadata")
            gate.wait(HANG_SECONDS)

    gate = threading.Barrier(3)
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert connections.still_open() == 3
    for connection in filter(is_open, connections.opened):
        assert {name: pragma(connection, name) for name in EXPECTED} == EXPECTED
        assert pragma(connection, "journal_size_limit") > 0


def test_the_table_of_settings_begins_with_the_timeout_and_the_journal() -> None:
    assert [name for name, _, _ in SETTINGS[:2]] == ["busy_timeout", "journal_mode"]


@pytest.mark.parametrize(
    "name", ["journal_mode", "cache_spill", "temp_store", "foreign_keys", "journal_size_limit"]
)
def test_a_setting_that_did_not_take_is_an_error(database: Database, name: str) -> None:
    def ignore(sql: str, run: Callable[[], Any]) -> Any:
        return real.execute("SELECT 1") if sql.startswith(f"PRAGMA {name}=") else run()

    real = sqlite.connect(database.path, isolation_level=None)
    with pytest.raises(DatabaseUnusable, match=f"did not accept PRAGMA {name}="):
        apply_settings(intercepted(real, ignore))
    real.close()


def test_the_sqlite_in_use_is_new_enough_and_safe_to_use_from_threads() -> None:
    options = {row[0] for row in sqlite.connect(":memory:").execute("PRAGMA compile_options")}
    assert sqlite.sqlite_version_info >= sqlite.LEAST_VERSION
    assert "THREADSAFE=1" in options


def test_the_journal_stays_when_everybody_has_closed(database: Database) -> None:
    with database.write() as tx:
        tx.execute("INSERT INTO metadata VALUES ('a', '1')")
    database.close()
    assert journal_of(database.path).stat().st_size > 0


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "orchestrator.db"
    with (
        pytest.raises(DatabaseUnusable, match=r"orchestrator\.db does not exist") as caught,
        Database(missing).read(),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
    assert str(tmp_path) not in caught.value.message
    assert caught.value.__notes__ == [f"path: {missing}"]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("just some notes\n" * 100)
    with (
        pytest.raises(DatabaseUnusable, match=r"notes\.txt is not an SQLite database"),
        Database(file).write(),
    ):
        pass
    assert file.read_text() == "just some notes\n" * 100


def test_a_directory_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="cannot be opened"), Database(tmp_path).read():
        pass


@pytest.mark.parametrize("use", [Database.migrate, Database.create_if_missing])
def test_an_empty_file_is_refused(tmp_path: Path, use: Callable[[Database], None]) -> None:
    """An empty file had no journal before the first reader looked."""
    empty = tmp_path / "orchestrator.db"
    empty.touch()
    with pytest.raises(DatabaseUnusable, match="empty, and was not made by this program"):
        use(Database(empty))


def test_a_path_with_strange_characters_works(tmp_path: Path) -> None:
    strange = Database(tmp_path / "100% ?mode=ro #1 ü" / "orchestrator.db")
    strange.create_if_missing()
    with strange.write() as tx:
        tx.execute("INSERT INTO metadata VALUES ('a', '1')")
    strange.close()
    assert tx.commit_seq is not None


def test_opening_a_database_while_another_process_commits_waits(database: Database) -> None:
    """An exclusive lock refuses even the reading of the schema."""
    other = open_connection(database.path)
    other.execute("BEGIN EXCLUSIVE")
    newcomer = Database(database.path)
    done = threading.Event()

    def read() -> None:
        with newcomer.read() as tx:
            tx.all("SELECT * FROM metadata")
        done.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert not done.wait(0.1)
    other.close()
    assert done.wait(HANG_SECONDS)
    thread.join(HANG_SECONDS)
