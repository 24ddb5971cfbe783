"""Putting a backup in the place of the database, whatever happens meanwhile."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.admin.backup import BackupContext, Restored, back_up, restore
from chalicelib.admin.backup_store import BackupDamaged
from chalicelib.database import Database
from chalicelib.database.connection import directory_swap, sqlite
from chalicelib.database.connection.create_database import journal_of
from chalicelib.database.connection.migrations import Migration, load
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from chalicelib.errors import Conflict, OrchestratorError, Unavailable
from tests.integration.backup import eager
from tests.integration.storage import ledger
from tests.support.fakes import FakeBucket, FakeClock
from tests.support.waiting import HANG_SECONDS, eventually

ROOT = Path(__file__).parents[3]
PUT = "INSERT OR REPLACE INTO metadata (name, value) VALUES ('where', ?)"
ACTIVE = (
    "INSERT INTO dag_versions (id, dag_id, version, file_key, etag, created_at, digest, source,"
    " compiled) VALUES (1, 'd', 1, 'd.yaml', 'e', 0, '', '', '{}')",
    "INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date,"
    " data_interval_start, data_interval_end, not_before, created_at)"
    " VALUES ('d__1', 'd', 1, 'manual', 'queued', 0, 0, 0, 0, 0)",
)


def put(database: Database, value: str) -> int:
    with database.write() as tx:
        tx.execute(PUT, (value,))
    assert tx.commit_seq is not None
    return tx.commit_seq


def seen(database: Database) -> str:
    with database.read() as tx:
        row = tx.one("SELECT value FROM metadata WHERE name = 'where'")
    return "" if row is None else str(row[0])


def test_a_restore_brings_back_the_database_and_says_what_it_did(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    put(database, "backed up")
    made = back_up(backup_context)
    for _ in range(3):
        put(database, "lost")
    database.close()
    done = restore(backup_context, who="ann")
    assert seen(Database(path)) == "backed up"
    assert (done.backup, done.commit_seq) == (made["name"], made["commit_seq"])
    assert done.lost_commits == 3
    assert done.active_runs == []
    assert done.kept_as is not None
    assert {entry.name for entry in path.parent.parent.iterdir()} == {"my-database", done.kept_as}
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, journal_of(path).name}
    assert journal_of(path).stat().st_size > 0


def test_no_commit_number_is_given_twice(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    back_up(backup_context)
    last = put(database, "lost")
    database.close()
    restore(backup_context, who="ann")
    assert put(Database(path), "new") == last + 2


def test_what_was_replaced_is_kept_beside_it_whole(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    back_up(backup_context)
    put(database, "lost")
    database.close()
    done = restore(backup_context, who="ann")
    assert done.kept_as is not None
    kept = sqlite.connect(path.parent.parent / done.kept_as / path.name)
    assert kept.execute("SELECT value FROM metadata WHERE name = 'where'").fetchone() == ("lost",)
    assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept.close()


def test_only_the_newest_replaced_databases_are_kept(
    backup_context: BackupContext, clock: FakeClock, database: Database, path: Path
) -> None:
    database.close()
    back_up(backup_context)
    for _ in range(directory_swap.REPLACED_KEPT + 2):
        clock.advance(60)
        last = restore(backup_context, who="ann").kept_as
    kept = sorted(entry.name for entry in path.parent.parent.iterdir())[1:]
    assert len(kept) == directory_swap.REPLACED_KEPT
    assert kept[-1] == last


def test_a_connection_that_was_open_before_never_writes_to_the_replaced_file(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    put(database, "lost")  # leaves an idle connection to the old file
    restore(backup_context, who="ann")
    with pytest.raises(DatabaseUnusable, match="replaced by a restore just now"):
        put(database, "into the old file")
    assert seen(database) == "backed up"
    put(database, "into the new one")
    assert seen(Database(path)) == "into the new one"


def test_while_the_restore_lingers_the_old_connection_waits_and_the_new_file_is_in_use(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    seen(database)
    lingering = replace(backup_context, linger=2.0)
    restoring = threading.Thread(target=restore, args=(lingering,), kwargs={"who": "ann"})
    restoring.start()
    eventually(lambda: any(path.parent.parent.glob("*.replaced-*")) and path.exists())
    put(Database(path), "new while it lingers")
    old = journal_of(path).read_bytes()
    with pytest.raises(DatabaseUnusable, match="replaced by a restore"):
        seen(database)  # begins to wait while the old file is locked
    assert journal_of(path).read_bytes() == old
    restoring.join(HANG_SECONDS)
    assert seen(database) == "new while it lingers"


def test_processes_that_write_all_the_time_move_on_and_lose_nothing(
    backup_context: BackupContext, path: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.integration.backup.eager", str(path)]
    logs = [tmp_path / f"eager{number}" for number in range(3)]
    writers = [subprocess.Popen([*command, str(log), log.name], cwd=ROOT) for log in logs]
    try:
        eventually(lambda: all(len(acknowledged(log)) > 3 for log in logs))
        made = back_up(backup_context)
        done = restore(replace(backup_context, linger=2 * eager.BUDGET), who="ann")
        eventually(lambda: all(is_done_since(log, done) for log in logs))
    finally:
        for writer in writers:
            writer.kill()
            writer.wait(HANG_SECONDS)
    assert done.kept_as is not None
    assert (made["commit_seq"], done.lost_commits is not None) == (done.commit_seq, True)
    old = Database(path.parent.parent / done.kept_as / path.name)
    boundary = done.commit_seq + (done.lost_commits or 0) + 1
    later = [ack for log in logs for ack in acknowledged(log) if ack.seq > boundary]
    assert ledger.disagreements(Database(path)) == []
    with Database(path).read() as tx:
        known = {(row[0], row[1]) for row in tx.all("SELECT seq, batch_id FROM commits")}
    assert [ack for ack in later if (ack.seq, ack.batch_id) not in known] == []
    with pytest.raises(DatabaseUnusable, match="replaced by a restore"):
        seen(old)


def acknowledged(log: Path) -> list[ledger.Acknowledged]:
    """A kill may have cut the last line."""
    text = log.read_text() if log.exists() else ""
    lines = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [ledger.Acknowledged.read(line) for line in lines if not line.startswith("#")]


def is_done_since(log: Path, done: Restored) -> bool:
    boundary = done.commit_seq + (done.lost_commits or 0) + 1
    return sum(ack.seq > boundary for ack in acknowledged(log)) > 5


def test_active_runs_forbid_a_restore_unless_told(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    back_up(backup_context)
    with database.write() as tx:
        for statement in ACTIVE:
            tx.execute(statement)
    database.close()
    with pytest.raises(Conflict, match=r"1 runs are active \(d__1\)"):
        restore(backup_context, who="ann")
    assert [entry.name for entry in path.parent.parent.iterdir()] == ["my-database"]
    put(Database(path), "still in use")
    assert restore(backup_context, force=True, who="ann").active_runs == ["d__1"]
    assert seen(Database(path)) == ""


def test_a_token_that_was_revoked_since_stays_revoked(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    with database.write() as tx:
        tx.execute(
            "INSERT INTO access_tokens (name, role, sha256, created_at)"
            " VALUES ('a', 'viewer', 'x', 0)"
        )
    back_up(backup_context)
    with database.write() as tx:
        tx.execute("UPDATE access_tokens SET revoked_at = 7")
    database.close()
    assert restore(backup_context, who="ann").tokens_revoked_again == 1
    with Database(path).read() as tx:
        assert [row[0] for row in tx.all("SELECT revoked_at FROM access_tokens")] == [7]


@pytest.mark.parametrize("harm", ["missing", "no database", "torn", "empty directory"])
def test_a_database_that_cannot_be_read_is_replaced(
    backup_context: BackupContext, database: Database, path: Path, harm: str
) -> None:
    put(database, "backed up")
    back_up(backup_context)
    database.close()
    match harm:
        case "missing":
            shutil.rmtree(path.parent)
        case "empty directory":
            shutil.rmtree(path.parent)
            path.parent.mkdir()
        case "no database":
            path.write_bytes(b"just some notes " * 1000)
        case "torn":
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (path.stat().st_size - 4096))
    done = restore(backup_context, who="ann")
    assert done.lost_commits is None or harm == "torn"
    assert seen(Database(path)) == "backed up"
    assert (done.kept_as is None) == (harm == "missing")


@pytest.mark.parametrize("harm", ["missing part", "cut", "bits", "manifest"])
def test_a_damaged_backup_changes_nothing(
    backup_context: BackupContext, database: Database, path: Path, bucket: FakeBucket, harm: str
) -> None:
    made = back_up(backup_context)
    put(database, "still in use")
    part, manifest = (f"database/{made['name']}/{n}" for n in ("part-00000.gz", "manifest.json"))
    body = bucket.objects[part]
    match harm:
        case "missing part":
            bucket.delete([part])
        case "cut":
            bucket.put(part, body[: len(body) // 2])
        case "bits":
            bucket.put(part, body[:5000] + bytes(8) + body[5008:])
        case "manifest":
            bucket.put(manifest, b"{}")
    with pytest.raises(BackupDamaged, match="restore another one"):
        restore(backup_context, who="ann")
    assert seen(database) == "still in use"
    assert [entry.name for entry in path.parent.parent.iterdir()] == ["my-database"]


def with_steps(backup_context: BackupContext, steps: list[Migration]) -> BackupContext:
    return replace(backup_context, database=Database(backup_context.database.path, steps=steps))


NEXT = [*load(), Migration(len(load()) + 1, "next", "ALTER TABLE metadata ADD COLUMN why TEXT;\n")]


def test_a_backup_of_a_newer_schema_is_refused(
    backup_context: BackupContext, database: Database
) -> None:
    newer = with_steps(backup_context, NEXT)
    newer.database.migrate()
    back_up(newer)
    with pytest.raises(Conflict, match="deploy the program version that created it"):
        restore(backup_context, who="ann")
    put(database, "still in use")


def test_a_backup_of_an_older_schema_is_migrated(
    backup_context: BackupContext, database: Database
) -> None:
    back_up(backup_context)
    database.close()
    newer = with_steps(backup_context, NEXT)
    assert restore(newer, who="ann").schema_version == len(NEXT)
    with newer.database.read() as tx:
        assert tx.all("SELECT why FROM metadata") == []


def test_a_bucket_that_does_not_answer_changes_nothing(
    backup_context: BackupContext, database: Database, path: Path
) -> None:
    class Silent(FakeBucket):
        def get(self, key: str, *, limit: int | None = None) -> None:
            raise Unavailable("S3 does not answer")

    made = back_up(backup_context)
    silent = Silent()
    silent.put(f"database/{made['name']}/manifest.json", b"")
    with pytest.raises(OrchestratorError, match="does not answer"):
        restore(replace(backup_context, backups=silent), who="ann")
    put(database, "still in use")
    assert [entry.name for entry in path.parent.parent.iterdir()] == ["my-database"]


def test_what_dead_restores_left_is_removed_after_an_hour(
    path: Path, clock: FakeClock, reopened: Callable[[], BackupContext]
) -> None:
    dead = directory_swap.new_directory(path, clock())
    assert directory_swap.new_directory(path, clock() + timedelta(minutes=59)).exists()
    assert dead.exists()
    directory_swap.new_directory(path, clock() + timedelta(minutes=61))
    assert not dead.exists()
