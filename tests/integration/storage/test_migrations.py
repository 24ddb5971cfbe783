"""Schema changes: each once, in order, whoever applies them and whoever still runs."""

from __future__ import annotations

import hashlib
import re
import threading
from pathlib import Path

import pytest

from chalicelib.database import Database
from chalicelib.database.connection import sqlite
from chalicelib.database.connection.migrations import BadMigration, Migration, load, split
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from tests.support.waiting import HANG_SECONDS

LAST = len(load())
TABLE = Migration(LAST + 1, "table", "CREATE TABLE later (a INTEGER) STRICT;\n")
COLUMN = Migration(
    LAST + 2, "column", "ALTER TABLE later ADD COLUMN b TEXT;\nINSERT INTO later VALUES (1, 'x');\n"
)
LATER = [*load(), TABLE, COLUMN]


def version(database: Database) -> int:
    with database.read() as tx:
        row = tx.one("PRAGMA user_version")
    assert row is not None
    return int(row[0])


def test_our_own_migrations_are_numbered_and_complete() -> None:
    migrations = load()
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    for migration in migrations:
        assert all(map(sqlite.complete_statement, split(migration.script)))


FROZEN = {
    "0001_initial": "44eca7cbce4115547457cff9936b8b9b23fe005d2e938d6ca8a6d39992383efc",
    "0002_artifacts": "1765ac7ffb81721659e2109d53c022f0c3d95d4b68a732fc3d1bffec79e0a28b",
    "0003_files": "73ab5c3cdf9cc157d33d56d4078ae35b917aac5dfe0dd8999c7a173008f9a8a8",
    "0004_workers": "9c77e45ea94d759900000c0e4f7e77ac6dc8e52483b1d5b3683dc5a6c03ada75",
    "0005_fargate_cost": "f163139318de2953a6d60d95ceb7a982c11aa5e4bbabd65e93434a3e512e0e02",
    "0006_first_start": "35935fcfd3a8eb4915de6f8417278cca0aba541eb94a2de7e43d039addf3ed0d",
    "0007_backfill_params": "c148c4a0eb349b25c81a11ba446c4d68bd87a99622401449129cc9f8eeb698a2",
    "0008_run_filters": "5d26c0940d9f589ffa3fb3e0e6226cdcebd7ea0fb47c7dfab90cf4ddac1ce11e",
    "0009_token_limits": "653af2b40e4344d48df7f65387297e3aa3eb9f436cf5ec0de3f2904cae9abb12",
    "0010_open_failures": "514ba8ed9a335831fa431da87aa7c780eb48dc712d5f7b56f05c337dbfb976f8",
    "0011_notifications": "b61890e6e84327c1937a4ab07cb43b8b0c04e3dbff59b57458b0ca46d2576c12",
    "0012_quiet_commits": "80d2fdbcbbeb57b4290b3215c02c47f4e4e639c86b70b8af6193e6880b0bb7b7",
    "0013_shared_defaults": "75f8a5ff4e7ef940d21da730c7475307f2e75f7d552f7c151e347cff70103347",
    "0014_metric_totals": "57729169b953803d83736be6054b579177ad5358d0db30a789f0b36fc516f6fd",
}
"""Databases have been made from these files: a change of one would reach no database. Add another
migration instead, as README.md beside them says."""


def test_a_migration_is_never_changed_once_databases_were_made_from_it() -> None:
    digests = {
        migration.name: hashlib.sha256(migration.script.encode()).hexdigest()
        for migration in load()
    }
    assert digests == FROZEN


def test_the_schema_lists_no_words_that_may_grow() -> None:
    listed = re.findall(r"CHECK \((\w+) IN \(\s*'", load()[0].script)
    assert listed == ["state", "stopping", "state"]  # of runs, and of task instances


def test_missing_migrations_are_applied_in_order(database: Database) -> None:
    newer = Database(database.path, steps=LATER)
    newer.migrate()
    assert version(newer) == LAST + 2
    with newer.read() as tx:
        assert [tuple(row) for row in tx.all("SELECT a, b FROM later")] == [(1, "x")]


def test_each_migration_is_one_numbered_commit(database: Database) -> None:
    Database(database.path, steps=LATER).migrate()
    with database.read() as tx:
        batches = [row[0] for row in tx.all("SELECT batch_id FROM commits ORDER BY seq")]
    assert batches[-2:] == ["migration table", "migration column"]


def test_migrating_again_commits_nothing(database: Database) -> None:
    with database.read() as tx:
        before = tx.all("SELECT * FROM commits")
    database.migrate()
    with database.read() as tx:
        assert list(map(tuple, tx.all("SELECT * FROM commits"))) == list(map(tuple, before))


def test_old_code_goes_on_with_a_newer_database(database: Database) -> None:
    Database(database.path, steps=LATER).migrate()
    database.migrate()
    with database.write() as tx:
        tx.execute("INSERT INTO metadata VALUES ('a', '1')")
    assert version(database) == LAST + 2


def test_new_code_says_that_an_old_database_must_be_migrated(database: Database) -> None:
    newer = Database(database.path, steps=LATER)
    with (
        pytest.raises(DatabaseUnusable, match=f"version {LAST}, this program needs {LAST + 2}"),
        newer.read(),
    ):
        pass


BREAKING = Migration(LAST + 1, "breaking", "-- breaking\nDROP TABLE short_logs;\n")


def test_a_breaking_migration_keeps_older_programs_out_and_says_what_to_do(
    database: Database,
) -> None:
    newer = Database(database.path, steps=[*load(), BREAKING])
    newer.migrate()
    expected = (
        f"has schema version {LAST + 1} and needs a program that knows version {LAST + 1};"
        f" this one knows {LAST}: deploy the newer program"
    )
    for begin in (database.read, database.write):
        with pytest.raises(DatabaseUnusable, match=expected), begin():
            pass
    with newer.write() as tx:
        tx.execute("INSERT INTO metadata VALUES ('a', '1')")


def test_older_programs_stay_out_after_further_migrations_that_only_add(database: Database) -> None:
    added = Migration(LAST + 2, "added", "CREATE TABLE later (a INTEGER) STRICT;\n")
    Database(database.path, steps=[*load(), BREAKING, added]).migrate()
    with pytest.raises(DatabaseUnusable, match=f"needs a program that knows version {LAST + 1}"):
        database.migrate()
    with Database(database.path, steps=[*load(), BREAKING]).read() as tx:
        assert tx.all("SELECT * FROM later") == []


def test_the_word_breaking_counts_on_the_first_line_only(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("-- Why.\n-- breaking\nCREATE TABLE a (x);\n")
    with pytest.raises(BadMigration, match=r"0001_a\.sql: `-- breaking` must be the first line"):
        load(tmp_path)


def test_a_migration_that_fails_leaves_no_trace(database: Database) -> None:
    broken = Migration(LAST + 1, "broken", "CREATE TABLE half (a);\nCREATE TABLE half (a);\n")
    with pytest.raises(sqlite.OperationalError, match="half already exists"):
        Database(database.path, steps=[*load(), broken]).migrate()
    assert version(database) == LAST
    with database.read() as tx:
        assert tx.all("SELECT name FROM sqlite_schema WHERE name = 'half'") == []


def test_processes_that_migrate_at_once_apply_each_migration_once(database: Database) -> None:
    """The two rows of a doubled migration would show; each thread has its own Database."""
    gate, errors = threading.Barrier(4), []

    def migrate() -> None:
        gate.wait(HANG_SECONDS)
        try:
            Database(database.path, steps=LATER).migrate()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert errors == []
    with database.read() as tx:
        assert len(tx.all("SELECT * FROM later")) == 1


def test_a_gap_in_the_numbers_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (x);")
    (tmp_path / "0003_c.sql").write_text("CREATE TABLE c (x);")
    with pytest.raises(BadMigration, match=r"0003_c\.sql: expected number 0002"):
        load(tmp_path)


def test_a_file_without_a_number_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "first.sql").write_text("CREATE TABLE a (x);")
    with pytest.raises(BadMigration, match=r"first\.sql: the name must begin with four digits"):
        load(tmp_path)


def test_a_semicolon_inside_a_trigger_or_a_string_ends_no_statement() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM b;\n  DELETE FROM c;\nEND;"
    insert = "INSERT INTO a VALUES ('x;\ny');"
    assert list(split(f"-- Why.\n{trigger}\n\n{insert}\n-- The end.\n")) == [
        f"-- Why.\n{trigger}",
        insert,
    ]


def test_a_statement_without_an_end_is_an_error() -> None:
    with pytest.raises(BadMigration, match="not ended by a semicolon: 'CREATE TABLE b"):
        list(split("CREATE TABLE a (x);\nCREATE TABLE b (x)\n"))
