"""Copies of a database that others write to."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.admin import backup_store
from chalicelib.admin.backup import BackupContext, back_up, backups, restore
from chalicelib.admin.backup_retention import Rule
from chalicelib.database import Database
from chalicelib.database.backup import copy_process
from chalicelib.database.backup.copy import copy, inspect
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from chalicelib.errors import NotFound, Unavailable
from tests.integration.storage import ledger
from tests.integration.storage.test_kills import Worker
from tests.support.fakes import FakeBucket, FakeClock
from tests.support.waiting import eventually


def test_copies_made_while_others_write_are_consistent_and_nothing_is_lost(
    database: Database, writers: list[Worker], tmp_path: Path
) -> None:
    for number in range(5):
        before = sum(len(writer.lines()) for writer in writers)
        eventually(lambda: sum(len(w.lines()) for w in writers) > before + 5)  # noqa: B023
        copied = copy(Database(database.path), tmp_path / f"copy{number}.db")
        held = Database(tmp_path / f"copy{number}.db")
        assert ledger.disagreements(held) == []
        assert inspect(held.path) == copied.state
        held.close()
    for writer in writers:
        writer.kill()
    lines = [line for writer in writers for line in writer.lines() if not line.startswith("#")]
    acknowledged = [ledger.Acknowledged.read(line) for line in lines]
    prepared = min(ack.seq for ack in acknowledged) - 1
    assert ledger.audit(database, prepared, acknowledged) == []


def test_nobody_commits_while_the_file_is_copied(database: Database, tmp_path: Path) -> None:
    """Else the copy would be torn; the lock that is seen here is what prevents it."""
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "import sqlite3\n"
        f"other = sqlite3.connect({str(database.path)!r}, timeout=0)\n"
        "try:\n    other.execute('BEGIN EXCLUSIVE')\n"
        "except sqlite3.OperationalError as error:\n    sys.exit(f'refused: {error}')\n"
    )
    with pytest.raises(DatabaseUnusable, match="refused: database is locked"):
        copy(database, tmp_path / "copy.db", copier=slow)


def test_a_copier_that_fails_is_reported_with_its_reason(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseUnusable, match=r"could not be copied: .*No such file or directory"):
        copy(database, tmp_path / "missing" / "copy.db")


def test_the_copier_copies_every_byte(tmp_path: Path) -> None:
    body = bytes(range(256)) * 40_001
    (tmp_path / "source").write_bytes(body)
    copy_process.copy(str(tmp_path / "source"), str(tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == body


def test_a_damaged_copy_is_noticed(database: Database, tmp_path: Path) -> None:
    copy(database, tmp_path / "copy.db")
    with (tmp_path / "copy.db").open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 4096 * 3)
    with pytest.raises(DatabaseUnusable, match="damaged"):
        inspect(tmp_path / "copy.db")


def test_a_backup_is_one_gzip_file_in_parts_with_a_manifest(
    backup_context: BackupContext, bucket: FakeBucket, tmp_path: Path
) -> None:
    made = back_up(backup_context)
    prefix = f"database/{made['name']}/"
    assert [info.key for info in bucket.list(prefix)] == [
        f"{prefix}manifest.json",
        f"{prefix}part-00000.gz",
    ]
    unpacked = tmp_path / "unpacked.db"
    unpacked.write_bytes(gzip.decompress(bucket.objects[f"{prefix}part-00000.gz"]))
    assert inspect(unpacked).commit_seq == made["commit_seq"]
    assert unpacked.stat().st_size == made["size"]
    assert made["name"].startswith("20261123T100000Z-")
    assert list(backup_context.scratch.iterdir()) == []


def test_a_large_database_is_stored_in_several_parts(
    backup_context: BackupContext, database: Database, tmp_path: Path
) -> None:
    with database.write() as tx:
        tx.script(["CREATE TABLE noise (x BLOB)"])
        tx.execute("INSERT INTO noise VALUES (randomblob(?))", (40_000_000,))
    made = back_up(backup_context)
    assert made["parts"] == 2
    [found] = backups(backup_context)
    backup_store.fetch(backup_context.backups, found, tmp_path / "fetched.db")
    assert inspect(tmp_path / "fetched.db").commit_seq == made["commit_seq"]


def test_old_backups_are_removed_by_the_rule_and_the_others_listed(
    backup_context: BackupContext, clock: FakeClock
) -> None:
    backup_context = replace(backup_context, rule=Rule(daily=2, weekly=0, monthly=0))
    made = []
    for _ in range(3):
        made.append(back_up(backup_context))
        clock.advance(86400)
    assert made[2]["removed"] == [made[0]["name"]]
    assert [found.name for found in backups(backup_context)] == [made[2]["name"], made[1]["name"]]
    assert backups(backup_context)[0].commit_seq == made[2]["commit_seq"]


def test_an_unfinished_backup_is_not_listed_and_is_removed_after_a_day(
    backup_context: BackupContext, bucket: FakeBucket, clock: FakeClock
) -> None:
    made = back_up(backup_context)
    bucket.delete([f"database/{made['name']}/manifest.json"])
    assert backups(backup_context) == []
    clock.advance(timedelta(hours=23).total_seconds())
    assert back_up(backup_context)["removed"] == []
    clock.advance(timedelta(hours=2).total_seconds())
    assert made["name"] in back_up(backup_context)["removed"]


def test_too_little_room_for_the_copy_is_said_before_anybody_is_locked_out(
    backup_context: BackupContext, bucket: FakeBucket
) -> None:
    huge = backup_context.database.path.with_name("huge.db")
    with huge.open("wb") as file:
        file.truncate(1 << 43)
    with pytest.raises(Unavailable, match="more ephemeral storage"):
        back_up(replace(backup_context, database=Database(huge)))
    assert bucket.objects == {}


@pytest.mark.parametrize("name", ["", "x", "../secrets", "20261123T100000Z-000000000001"])
def test_a_backup_that_is_not_there_is_not_found(backup_context: BackupContext, name: str) -> None:
    with pytest.raises(NotFound):
        restore(backup_context, name, who="ann")


def test_a_backup_is_there_for_another_process(
    backup_context: BackupContext, reopened: Callable[[], BackupContext]
) -> None:
    assert back_up(backup_context)["commit_seq"] == backups(reopened())[0].commit_seq


def test_what_a_killed_backup_left_in_the_scratch_folder_is_removed(
    backup_context: BackupContext,
) -> None:
    highest = int(Path("/proc/sys/kernel/pid_max").read_text())
    somebodys = backup_context.scratch / "orchestrator-backup-of-mine"
    somebodys.mkdir()
    (backup_context.scratch / f"orchestrator-backup-{highest + 1}").mkdir()
    back_up(backup_context)
    assert list(backup_context.scratch.iterdir()) == [somebodys]
