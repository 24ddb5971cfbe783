"""Processes that write one file are killed at random; nothing acknowledged is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from chalicelib.database import Database
from tests.integration.storage import ledger
from tests.support.waiting import HANG_SECONDS, eventually

ROOT = Path(__file__).parents[3]
KILLS = 12

FAIL_IN_COMMIT = """
import random, resource, signal, sys
from pathlib import Path
from chalicelib.database import Database
from chalicelib.database.connection.sqlite_open import DatabaseUnusable
from tests.integration.storage import ledger
database = Database(Path(sys.argv[1]))
size = Path(sys.argv[1]).stat().st_size
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
try:
    with database.write("too big") as tx:
        tx.execute("UPDATE counters SET n = n + 1")
        tx.execute("CREATE TABLE big (x)")
        tx.execute("INSERT INTO big VALUES (zeroblob(1000000))")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20000, hard))
except DatabaseUnusable as error:
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(error, database.committed("too big"), ledger.audit(database, int(sys.argv[2]), []))
    print(ledger.add_one(database, random.Random(1)).total)
"""


class Worker:
    """A process that works on the ledger until it is killed; it is killed and started again."""

    def __init__(self, role: str, path: Path, log: Path) -> None:
        self._command = [
            sys.executable, "-m", "tests.integration.storage.ledger", role, str(path), str(log),
        ]  # fmt: skip
        self._log = log
        self._starts = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._starts += 1
        return subprocess.Popen([*self._command, str(self._starts)], cwd=ROOT)

    def lines(self) -> list[str]:
        """What was acknowledged; a kill may have cut the last line."""
        text = self._log.read_text() if self._log.exists() else ""
        return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def did_more_than(self, count: int) -> bool:
        return len(self.lines()) > count

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(HANG_SECONDS)

    def restart(self) -> None:
        self.process = self._start()


def test_no_acknowledged_commit_is_lost_when_writers_are_killed(
    database: Database, tmp_path: Path
) -> None:
    prepared = ledger.prepare(database)
    dice = random.Random(20)
    writers = [Worker("write", database.path, tmp_path / f"writer{i}") for i in range(3)]
    reader = Worker("read", database.path, tmp_path / "reader")
    try:
        for _ in range(KILLS):
            victim = dice.choice(writers)
            enough = len(victim.lines()) + dice.randrange(8)
            eventually(partial(victim.did_more_than, enough))
            victim.kill()
            victim.restart()
        eventually(lambda: reader.did_more_than(3))
    finally:
        for worker in (*writers, reader):
            worker.kill()
    lines = [line for writer in writers for line in writer.lines()]
    acknowledged = [ledger.Acknowledged.read(line) for line in lines if not line.startswith("#")]
    assert len(acknowledged) >= KILLS
    assert ledger.audit(Database(database.path), prepared, acknowledged) == []
    assert {line.strip() for line in reader.lines() if not line.startswith("#")} == {"ok"}


def test_the_audit_sees_a_lost_commit(database: Database) -> None:
    prepared = ledger.prepare(database)
    dice = random.Random(1)
    first, second = (ledger.add_one(database, dice) for _ in range(2))
    assert ledger.audit(database, prepared, [first, second]) == []
    with database.write() as tx:
        tx.execute("DELETE FROM ledger WHERE batch_id = ?", (second.batch_id,))
    assert any(
        str(second) in problem for problem in ledger.audit(database, prepared, [first, second])
    )
    assert ledger.disagreements(database) != []


def test_a_commit_that_the_file_system_refuses_halfway_is_undone(database: Database) -> None:
    """The limit on file size strikes while pages are being written, with the journal in place."""
    prepared = ledger.prepare(database)
    done = subprocess.run(
        [sys.executable, "-c", FAIL_IN_COMMIT, str(database.path), str(prepared)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    message, total = done.stdout.splitlines()
    assert "nothing was changed" in message
    assert message.endswith("False []")
    assert total == "1"
    assert ledger.disagreements(database) == []
