"""kill -9 in the middle of a backup or a restore: nothing is lost, and doing it again works."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.admin.backup import BackupContext, back_up, backups, restore
from chalicelib.database import Database
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from chalicelib.local.folder_bucket import FolderBucket
from tests.integration.storage import ledger
from tests.integration.storage.test_kills import Worker
from tests.support.fakes import FakeClock
from tests.support.waiting import HANG_SECONDS, eventually

ROOT = Path(__file__).parents[3]


@pytest.fixture
def backup_context(database: Database, clock: FakeClock, tmp_path: Path) -> BackupContext:
    (tmp_path / "scratch").mkdir()
    bucket = FolderBucket(tmp_path / "bucket")
    return BackupContext(
        Database(database.path), bucket, clock, scratch=tmp_path / "scratch", linger=0.0
    )


def run_victim(act: str, path: Path, tmp_path: Path, place: str, count: int) -> int:
    command = [
        *(sys.executable, "-m", "tests.integration.backup.victim", act, str(path)),
        *(str(tmp_path / "bucket"), str(tmp_path / "scratch"), place, str(count)),
    ]
    return subprocess.run(
        command, cwd=ROOT, timeout=HANG_SECONDS, stdout=subprocess.DEVNULL
    ).returncode


def put(database: Database, value: str) -> None:
    with database.write() as tx:
        tx.execute("INSERT OR REPLACE INTO metadata VALUES ('where', ?)", (value,))


def seen(path: Path) -> str:
    database = Database(path)
    with database.read() as tx:
        row = tx.one("SELECT value FROM metadata WHERE name = 'where'")
    database.close()
    return "" if row is None else str(row[0])


@pytest.mark.parametrize(("place", "count"), [("copy", 1), ("inspect", 1), ("put", 1), ("put", 2)])
def test_a_killed_backup_leaves_nothing_that_counts(
    backup_context: BackupContext,
    writers: list[Worker],
    path: Path,
    tmp_path: Path,
    place: str,
    count: int,
) -> None:
    assert run_victim("back_up", path, tmp_path, place, count) == -signal.SIGKILL
    before = [len(writer.lines()) for writer in writers]
    for writer, done in zip(writers, before, strict=True):
        eventually(lambda w=writer, n=done: w.did_more_than(n + 3))  # type: ignore[misc]
    assert backups(backup_context) == []
    assert back_up(backup_context)["commit_seq"] > 0
    assert len(backups(backup_context)) == 1
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("place", ["get", "inspect", "replace"])
def test_a_restore_killed_before_it_touches_the_database_changes_nothing(
    backup_context: BackupContext, database: Database, path: Path, tmp_path: Path, place: str
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    put(database, "still in use")
    assert run_victim("restore", path, tmp_path, place, 1) == -signal.SIGKILL
    assert seen(path) == "still in use"
    put(database, "and written to")
    assert ledger.disagreements(Database(path)) == []
    restore(backup_context, who="ann")
    assert seen(path) == "backed up"


@pytest.mark.parametrize(("place", "count"), [("swap", 1), ("rename", 1)])
def test_a_restore_killed_before_the_renames_is_run_again(
    backup_context: BackupContext,
    database: Database,
    path: Path,
    tmp_path: Path,
    place: str,
    count: int,
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    put(database, "lost")
    database.close()
    assert run_victim("restore", path, tmp_path, place, count) == -signal.SIGKILL
    with pytest.raises(DatabaseUnusable, match="the restore was interrupted: run it again"):
        seen(path)
    assert restore(backup_context, who="ann").lost_commits == 1
    assert seen(path) == "backed up"


def test_a_restore_killed_between_the_renames_is_ended_by_whoever_starts_next(
    backup_context: BackupContext, database: Database, path: Path, tmp_path: Path
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    put(database, "lost")
    database.close()
    assert run_victim("restore", path, tmp_path, "rename", 2) == -signal.SIGKILL
    assert not path.exists()
    newcomer = Database(path)
    newcomer.create_if_missing()
    assert seen(path) == "backed up"
    put(newcomer, "new")
    newcomer.close()
    names = sorted(entry.name for entry in path.parent.parent.iterdir())
    assert len(names) == 2
    assert names[0] == "my-database"


def test_a_restore_killed_between_the_renames_can_be_run_again(
    backup_context: BackupContext, database: Database, path: Path, tmp_path: Path
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    database.close()
    assert run_victim("restore", path, tmp_path, "rename", 2) == -signal.SIGKILL
    restore(backup_context, who="ann")
    assert seen(path) == "backed up"


def test_a_restore_killed_after_the_renames_has_been_done(
    backup_context: BackupContext, database: Database, path: Path, tmp_path: Path
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    put(database, "lost")
    database.close()
    assert run_victim("restore", path, tmp_path, "remove_old", 1) == -signal.SIGKILL
    assert seen(path) == "backed up"


def test_a_database_open_in_another_process_is_the_restored_one_soon_after(
    backup_context: BackupContext, database: Database, path: Path, tmp_path: Path
) -> None:
    """This process holds connections to the old file while another process restores."""
    put(database, "backed up")
    back_up(backup_context)
    put(database, "lost")
    assert run_victim("restore", path, tmp_path, "get", 0) == 0
    with pytest.raises(DatabaseUnusable, match="replaced by a restore just now"):
        put(database, "into the old file")
    put(database, "new")
    assert seen(path) == "new"
