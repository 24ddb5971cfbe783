"""A migration runs while the version of the program before it is at work."""

from __future__ import annotations

import random
import threading
from pathlib import Path

from chalicelib.database import Database
from chalicelib.database.connection.migrations import Migration, load
from tests.integration.storage import ledger
from tests.integration.storage.test_kills import Worker
from tests.support.waiting import HANG_SECONDS, eventually

FIRST = len(load())
NEXT = [
    *load(),
    Migration(FIRST + 1, "column", "ALTER TABLE runs ADD COLUMN color TEXT DEFAULT 'red';\n"),
    Migration(
        FIRST + 2,
        "table_and_index",
        "CREATE TABLE colors (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;\n"
        "CREATE INDEX runs_by_color ON runs (color);\n",
    ),
]
NEW_RUN = (
    "INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date,"
    " data_interval_start, data_interval_end, not_before, created_at)"
    " VALUES (?, 'd', 1, 'manual', 'queued', ?, 0, 0, 0, 0)"
)


def test_writers_of_the_version_before_go_on_through_a_migration_and_lose_nothing(
    database: Database, path: Path, writers: list[Worker]
) -> None:
    eventually(lambda: all(writer.did_more_than(3) for writer in writers))
    newer = Database(path, steps=NEXT)
    newer.migrate()
    before = [len(writer.lines()) for writer in writers]
    for writer, done in zip(writers, before, strict=True):
        eventually(lambda w=writer, n=done: w.did_more_than(n + 5))  # type: ignore[misc]
    for writer in writers:
        writer.kill()
    lines = [line for writer in writers for line in writer.lines()]
    assert [line for line in lines if line.startswith("#")] == []
    acks = {(ack.seq, ack.batch_id) for ack in map(ledger.Acknowledged.read, lines)}
    with newer.read() as tx:
        known = {(row[0], row[1]) for row in tx.all("SELECT seq, batch_id FROM commits")}
    assert acks <= known
    assert ledger.disagreements(newer) == []


def test_a_row_of_the_old_program_has_the_new_column_s_default(
    database: Database, path: Path
) -> None:
    newer = Database(path, steps=NEXT)
    with database.read() as tx:  # a connection whose statements were made before
        tx.all("SELECT * FROM runs")
    newer.migrate()
    with database.write() as tx:
        tx.execute(
            "INSERT INTO dag_versions (id, dag_id, version, file_key, etag, created_at, digest,"
            " source, compiled) VALUES (1, 'd', 1, 'd.yaml', 'e', 0, '', '', '{}')"
        )
        tx.execute(NEW_RUN, ("d__old", 1))
    with newer.read() as tx:
        assert [row[0] for row in tx.all("SELECT color FROM runs")] == ["red"]
    with newer.write() as tx:
        tx.execute(NEW_RUN, ("d__new", 2))
        tx.execute("UPDATE runs SET color = 'blue' WHERE run_id = 'd__new'")
    with database.read() as tx:
        rows = tx.all("SELECT run_id FROM runs WHERE ended_at IS NULL ORDER BY id")
    assert [row[0] for row in rows] == ["d__old", "d__new"]


def test_two_versions_that_start_at_once_end_with_the_newer_schema(path: Path) -> None:
    """Both may find no database, as during a deployment."""
    gate = threading.Barrier(4)

    def start(steps: list[Migration]) -> None:
        gate.wait(HANG_SECONDS)
        opened = Database(path, steps=steps)
        opened.create_if_missing()
        with opened.write() as tx:
            tx.execute("INSERT INTO metadata VALUES (?, '')", (str(random.random()),))
        opened.close()

    threads = [threading.Thread(target=start, args=(steps,)) for steps in (load(), NEXT) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    with Database(path, steps=NEXT).read() as tx:
        assert len(tx.all("SELECT * FROM metadata")) == 4
        assert tx.all("SELECT * FROM colors") == []
