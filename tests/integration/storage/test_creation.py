"""Making the database once, whoever tries and however often."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.database import Database
from chalicelib.database.connection.create_database import journal_of, publish
from chalicelib.database.connection.retry import Patience
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from tests.support.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[3]

CREATE = """
import sys
from pathlib import Path
from chalicelib.database import Database
sys.stdin.readline()
database = Database(Path(sys.argv[1]))
database.create_if_missing()
with database.write() as tx:
    tx.execute("INSERT INTO metadata VALUES (?, '')", (sys.argv[2],))
"""


def test_the_database_is_alone_in_its_directory_with_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "new" / "db" / "orchestrator.db"
    Database(path).create_if_missing()
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, journal_of(path).name}
    assert journal_of(path).stat().st_size > 0
    assert [entry.name for entry in path.parent.parent.iterdir()] == ["db"]


def test_an_empty_directory_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "db" / "orchestrator.db"
    path.parent.mkdir()
    Database(path).create_if_missing()
    assert path.exists()


def test_creating_again_changes_nothing(database: Database) -> None:
    with database.write() as tx:
        tx.execute("INSERT INTO metadata VALUES ('a', '1')")
    before = tx.commit_seq
    assert before is not None
    Database(database.path).create_if_missing()
    with database.write() as tx:
        tx.execute("UPDATE metadata SET value = '2'")
    assert tx.commit_seq == before + 1


def test_processes_that_create_at_once_end_with_one_database(tmp_path: Path) -> None:
    path = tmp_path / "db" / "orchestrator.db"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, str(path), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
        )
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
        racer.stdin.close()
    assert [racer.wait(HANG_SECONDS) for racer in racers] == [0, 0, 0, 0]
    with Database(path).read() as tx:
        assert [row[0] for row in tx.all("SELECT name FROM metadata ORDER BY name")] == list("0123")
    assert [entry.name for entry in tmp_path.iterdir()] == ["db"]


def test_the_loser_of_a_race_leaves_the_winners_database_alone(tmp_path: Path) -> None:
    path = tmp_path / "db" / "orchestrator.db"

    def fill_slowly(private: Path) -> None:
        Database(path).create_if_missing()
        (private.parent / f"{private.name}-journal").touch()

    assert publish(path, fill_slowly, Patience()) is False
    with Database(path).read() as tx:
        assert tx.all("SELECT * FROM metadata") == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["db"]


def test_a_database_without_a_journal_is_not_published(tmp_path: Path) -> None:
    path = tmp_path / "db" / "orchestrator.db"
    with pytest.raises(DatabaseUnusable, match="no journal"):
        publish(path, lambda private: None, Patience())
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "home" / "orchestrator.db"
    path.parent.mkdir()
    (path.parent / "letter.txt").touch()
    with pytest.raises(DatabaseUnusable, match="home holds other files") as caught:
        Database(path).create_if_missing()
    assert caught.value.__notes__ == [f"path: {path}"]
    assert [entry.name for entry in path.parent.iterdir()] == ["letter.txt"]


def test_a_place_where_nothing_can_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnusable, match=r"cannot be made"):
        Database(tmp_path / "file" / "db" / "orchestrator.db").create_if_missing()
