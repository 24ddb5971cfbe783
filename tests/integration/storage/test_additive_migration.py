"""A migration that only adds, on a large database, while the program of the version before runs.

`MIGRATION_ROWS=1000000 pytest tests/integration/storage/test_additive_migration.py` is the long
form.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalicelib.database import Database
from chalicelib.database.connection.migrations import Migration, load
from chalicelib.database.connection.retry import Patience
from chalicelib.database.queries import access_tokens
from chalicelib.database.queries import backfills as backfill_queries
from chalicelib.database.reads import backfills, journal, runs, task_instances
from tests.support.waiting import HANG_SECONDS, eventually

ROOT = Path(__file__).parents[3]
ROWS = int(os.environ.get("MIGRATION_ROWS", "20000"))
TASKS_PER_RUN = 1000

SHIPPED = load()
ADDITIONS = Migration(
    len(SHIPPED) + 1,
    "additions",
    """
ALTER TABLE task_instances ADD COLUMN room TEXT;
ALTER TABLE notifications ADD COLUMN format TEXT NOT NULL DEFAULT 'text';
CREATE TABLE attachments (
    task_instance_id INTEGER NOT NULL REFERENCES task_instances (id) ON DELETE CASCADE,
    name             TEXT NOT NULL,
    size_bytes       INTEGER NOT NULL,
    PRIMARY KEY (task_instance_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_instances_by_room ON task_instances (room, id) WHERE room IS NOT NULL;
CREATE INDEX task_instances_by_end ON task_instances (ended_at, id);
""",
)
FILL = f"""
INSERT INTO dag_versions (id, dag_id, version, file_key, etag, created_at, digest, source,
    compiled) VALUES (1, 'd', 1, 'd.yaml', 'e', 0, '', '', '{{}}');
INSERT INTO dags (dag_id, file_key, version_id, name, max_active_runs, max_active_tasks, created_at,
    updated_at) VALUES ('d', 'd.yaml', 1, 'd', 16, 16, 0, 0);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS // TASKS_PER_RUN})
INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date, data_interval_start,
    data_interval_end, not_before, created_at, admitted_at, ended_at)
    SELECT 'r' || i, 'd', 1, 'scheduled', 'success', i, i, i, i, i, i, i FROM n;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {TASKS_PER_RUN})
INSERT INTO task_instances (run_key, dag_id, task_id, state, try_number, started_at, ended_at)
    SELECT r.id, 'd', 't' || i, 'success', 1, i, i FROM runs r CROSS JOIN n;
"""
# What only a newer program writes: words that this one has never heard of.
NEW_WORDS = """
INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date, data_interval_start,
    data_interval_end, not_before, created_at)
    VALUES ('new', 'd', 1, 'replayed', 'queued', -1, 0, 0, 0, 0);
INSERT INTO attempts (task_instance_id, try_number, outcome, ended_at)
    VALUES (1, 1, 'preempted', 9);
INSERT INTO notifications (dag_id, run_id, event, kind, target, payload, state, created_at, format)
    VALUES ('d', 'new', 'late', 'email', 'a@example.com', '{}', 'muted', 0, 'html');
INSERT INTO backfills (dag_id, from_date, to_date, reprocess, max_active_runs, state, created_at)
    VALUES ('d', 0, 0, 'missing', 1, 'waiting', 0);
INSERT INTO access_tokens (name, role, sha256, created_at) VALUES ('a', 'auditor', 'x', 0);
UPDATE task_instances SET room = 'gpu' WHERE id = 2;
INSERT INTO attachments VALUES (2, 'report.html', 10);
"""


def patient(path: Path, steps: list[Migration]) -> Database:
    return Database(path, steps=steps, patience=Patience(budget=HANG_SECONDS))


def run_script(database: Database, script: str) -> None:
    with database.write() as tx:
        tx.script(part for part in script.split(";\n") if part.strip())


def fill(path: Path) -> None:
    """Write `ROWS` task instances into a new database, as one long migration."""
    patient(path, SHIPPED).create_if_missing()
    connection = patient(path, [*SHIPPED, Migration(len(SHIPPED) + 1, "fill", FILL)])
    connection.migrate()
    connection.close()
    with patient(path, SHIPPED).write() as tx:
        tx.script([f"PRAGMA user_version={len(SHIPPED)}"])


class PreviousProgram:
    def __init__(self, path: Path, log: Path) -> None:
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.storage.previous_program", str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=log.open("w"),
        )

    def lines(self) -> list[str]:
        return [line.strip() for line in self._log.read_text().splitlines(True) if line[-1] == "\n"]

    def works_on(self) -> None:
        """Wait until it has created three more runs."""
        count = len(self.lines())
        eventually(lambda: len(self.lines()) >= count + 3)

    def end(self) -> None:
        self._process.communicate(timeout=HANG_SECONDS)


@contextmanager
def previous_program(path: Path, log: Path) -> Iterator[PreviousProgram]:
    program = PreviousProgram(path, log)
    try:
        yield program
    finally:
        program.end()


def test_the_previous_program_reads_and_writes_through_a_migration_and_after_it(
    path: Path, tmp_path: Path
) -> None:
    fill(path)
    newer = patient(path, [*SHIPPED, ADDITIONS])
    with previous_program(path, tmp_path / "log") as program:
        program.works_on()
        newer.migrate()
        program.works_on()
        run_script(newer, NEW_WORDS)
        program.works_on()
    lines = program.lines()
    assert [line for line in lines if line.startswith("#")] == []
    with newer.read() as tx:
        assert tx.all("PRAGMA integrity_check")[0][0] == "ok"
        written = {row[0] for row in tx.all("SELECT run_id FROM runs WHERE run_id LIKE 'old%'")}
        (total,) = tx.all("SELECT count(*) FROM task_instances WHERE room IS NULL")
    assert written == set(lines)
    assert total[0] == ROWS + 2 * len(lines) - 1


def test_the_previous_program_shows_what_only_the_next_one_can_name(path: Path) -> None:
    fill(path)
    newer = patient(path, [*SHIPPED, ADDITIONS])
    newer.migrate()
    run_script(newer, NEW_WORDS)
    older = patient(path, SHIPPED)
    with older.read() as tx:
        (run,) = [run for run in runs.list_runs(tx, limit=9).items if run.run_id == "new"]
        told = journal.notifications(tx, limit=9).items[0]
        backfill = backfills.list_backfills(tx, limit=9).items[0]
        found = task_instances.task_instance(tx, "r1", "t1", -1, limit=9)
        token = access_tokens.by_name(tx, "a")
        active = backfill_queries.find(tx, backfill.id)
    assert run.run_type == "replayed"
    assert (told.kind, told.event, told.state) == ("email", "late", "muted")
    assert (backfill.reprocess, backfill.state) == ("missing", "waiting")
    assert found is not None
    assert [attempt.outcome for attempt in found[1]] == ["preempted"]
    assert token is not None
    assert token.role == "auditor"
    assert active is not None
    assert active.state == "waiting"
