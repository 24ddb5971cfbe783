"""A workload in which every lost, doubled or half transaction shows.

Each transaction adds one to the total and to one of many counters, and writes the row that says
so, far apart in the file. Whatever happens, the three must agree, every commit that was
acknowledged must be there, and the numbers of the commits must have no gap and no repeat. The
storage tests run it on a local disk, the NFS bench on two hosts.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from chalicelib.database import Database
from chalicelib.errors import Unavailable

COUNTERS = 200

SCHEMA = (
    "CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, pad TEXT) STRICT",
    "CREATE TABLE ledger (batch_id TEXT PRIMARY KEY, counter INTEGER NOT NULL, n INTEGER NOT NULL,"
    " pad TEXT NOT NULL) STRICT",
    f"WITH RECURSIVE ids(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM ids WHERE i < {COUNTERS})"
    " INSERT INTO counters SELECT i, 0, hex(zeroblob(100)) FROM ids",
)


@dataclass(frozen=True)
class Acknowledged:
    """What a writer was told: its commit number, its batch and the total that it wrote."""

    seq: int
    batch_id: str
    total: int

    @classmethod
    def read(cls, line: str) -> Acknowledged:
        seq, batch_id, total = line.split()
        return cls(int(seq), batch_id, int(total))

    def line(self) -> str:
        return f"{self.seq} {self.batch_id} {self.total}\n"


def prepare(database: Database) -> int:
    """Add the ledger's tables; the number of that commit."""
    with database.write() as tx:
        tx.script(SCHEMA)
    assert tx.commit_seq is not None
    return tx.commit_seq


def add_one(database: Database, dice: random.Random) -> Acknowledged:
    """One transaction. Raises what Database.write raises."""
    counter = dice.randrange(1, COUNTERS + 1)
    with database.write() as tx:
        total, own = tx.all("SELECT n FROM counters WHERE id IN (0, ?) ORDER BY id", (counter,))
        for key, n in ((0, total[0] + 1), (counter, own[0] + 1)):
            tx.execute("UPDATE counters SET n = ? WHERE id = ?", (n, key))
        tx.insert(
            "INSERT INTO ledger VALUES (?, ?, ?, ?)",
            (tx.batch_id, counter, total[0] + 1, "x" * dice.randrange(20, 300)),
        )
    assert tx.commit_seq is not None
    return Acknowledged(tx.commit_seq, tx.batch_id, total[0] + 1)


def disagreements(database: Database) -> list[str]:
    """What one snapshot shows to be wrong; empty if all is well."""
    with database.read() as tx:
        total = tx.all("SELECT n FROM counters WHERE id = 0")[0][0]
        counted = tx.all("SELECT sum(n) FROM counters WHERE id > 0")[0][0]
        rows, highest = tx.all("SELECT count(*), coalesce(max(n), 0) FROM ledger")[0]
    if total == counted == rows == highest:
        return []
    return [f"total {total}, counters {counted}, rows {rows}, highest row {highest}"]


def audit(database: Database, prepared: int, acknowledged: Iterable[Acknowledged]) -> list[str]:
    """Everything that is wrong, if only the ledger was written since the commit `prepared`."""
    acknowledged = list(acknowledged)
    problems = disagreements(database)
    with database.read() as tx:
        integrity = [row[0] for row in tx.all("PRAGMA integrity_check")]
        ledger = {row[0]: row[1] for row in tx.all("SELECT batch_id, n FROM ledger")}
        commits = {row[0]: row[1] for row in tx.all("SELECT seq, batch_id FROM commits")}
    if integrity != ["ok"]:
        problems.append(f"integrity: {integrity}")
    if list(commits) != list(range(min(commits), prepared + len(ledger) + 1)):
        problems.append(f"{len(ledger)} commits after {prepared} reach {max(commits)}, or a gap")
    if len({ack.seq for ack in acknowledged}) != len(acknowledged):
        problems.append("a commit number was given twice")
    problems += [
        f"acknowledged and lost: {ack}"
        for ack in acknowledged
        if ledger.get(ack.batch_id) != ack.total
        or (ack.seq in commits and commits[ack.seq] != ack.batch_id)
    ]
    return problems


def write_for_ever(path: Path, log: Path, seed: str) -> None:
    """Add one again and again, noting each acknowledgement in `log`, until killed."""
    database, dice = Database(path), random.Random(seed)

    def act() -> str:
        # Writers that never pause leave each other no moment in which the lock is free.
        time.sleep(dice.uniform(0, 0.01))
        return add_one(database, dice).line()

    _repeat(log, act)


def read_for_ever(path: Path, log: Path, seed: str) -> None:
    """Look again and again, noting each disagreement in `log`, or `ok`, until killed."""
    database = Database(path)
    _repeat(log, lambda: "; ".join(disagreements(database) or ["ok"]) + "\n")


def _repeat(log: Path, act: Callable[[], str]) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    while True:
        try:
            line = act()
        except Unavailable as error:
            line = f"# {type(error).__name__}: {error}\n"
        os.write(descriptor, line.encode())


if __name__ == "__main__":
    {"write": write_for_ever, "read": read_for_ever}[sys.argv[1]](
        Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    )
