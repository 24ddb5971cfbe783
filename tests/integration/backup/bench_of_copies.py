"""How long writers wait while the database is copied, by each way to copy it.

    python -m tests.integration.backup.bench_of_copies FOLDER [MEGABYTES]

A database of that size is made in FOLDER (a local disk or an NFS mount). Two processes commit one
small transaction after another while it is copied to the temporary folder; the longest commit and
those refused are what the copy costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.database import Database
from chalicelib.database.backup import copy
from chalicelib.database.connection.retry import Patience, until_free
from chalicelib.database.connection.sqlite_open import is_busy, open_connection
from chalicelib.errors import Unavailable

WRITERS = 2
PAUSE = 0.05
FILL = (
    "CREATE TABLE IF NOT EXISTS filling (id INTEGER PRIMARY KEY, a TEXT, b BLOB)",
    "CREATE INDEX IF NOT EXISTS filling_by_a ON filling (a)",
)
ADD = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
    " INSERT INTO filling (a, b)"
    " SELECT hex(randomblob(16)), randomblob(180) || zeroblob(180) FROM n"
)


def make(path: Path, megabytes: int) -> Database:
    database = Database(path)
    database.create_if_missing()
    with database.write() as tx:
        tx.script(FILL)
    while path.stat().st_size < megabytes * 1_000_000:
        with database.write() as tx:
            tx.execute(ADD)
    return database


def write_for_ever(path: Path) -> None:
    """A line a commit: when it began, how long it took, and whether it was refused."""
    database = Database(path)
    while True:
        began, refused = time.time(), 0
        try:
            with database.write() as tx:
                tx.execute("INSERT OR REPLACE INTO metadata VALUES ('bench', ?)", (str(began),))
        except Unavailable:
            refused = 1
        line = f"{began} {time.time() - began} {refused}\n"
        os.write(sys.stdout.fileno(), line.encode())
        time.sleep(PAUSE)


def _patiently(act: Callable[[], Any]) -> Any:
    patience = Patience()
    return until_free(act, is_busy, patience, patience.deadline())


def _open(path: Path) -> Any:
    return _patiently(lambda: open_connection(path))


def vacuum_into(database: Database, target: Path) -> None:
    connection = _open(database.path)
    _patiently(lambda: connection.execute("VACUUM INTO ?", (str(target),)))
    connection.close()


def backup_in_one_step(database: Database, target: Path) -> None:
    _backup(database, target, -1)


def backup_in_steps(database: Database, target: Path) -> None:
    _backup(database, target, 2000)


def _backup(database: Database, target: Path, pages: int) -> None:
    began = time.monotonic()

    def give_up(_status: int, _left: int, _total: int) -> None:
        if time.monotonic() - began > 30:
            raise TimeoutError("not done in 30 s: begun again after each commit")

    source, copied = _open(database.path), open_connection(target, create=True)
    try:
        source.backup(copied, pages=pages, progress=give_up, sleep=0.01)
    finally:
        source.close()
        copied.close()


def child_process(database: Database, target: Path) -> None:
    copy.copy(database, target)


WAYS = (vacuum_into, backup_in_one_step, backup_in_steps, child_process)


def measure(way: Callable[[Database, Path], None], database: Database) -> str:
    command = [sys.executable, "-m", "tests.integration.backup.bench_of_copies", "write"]
    writers = [
        subprocess.Popen([*command, str(database.path)], stdout=subprocess.PIPE, text=True)
        for _ in range(WRITERS)
    ]
    pause = threading.Event()
    pause.wait(2)
    problem = ""
    with tempfile.TemporaryDirectory() as folder:
        began = time.time()
        try:
            way(database, Path(folder) / "copy.db")
        except Exception as error:
            problem = f" ({error})"
        ended = time.time()
    pause.wait(6)
    for writer in writers:
        writer.kill()
    rows = [
        tuple(map(float, line.split()))
        for writer in writers
        for line in writer.communicate()[0].splitlines()
    ]
    during = [row for row in rows if row[0] < ended and row[0] + row[1] > began]
    before = sorted(row[1] for row in rows if row[0] + row[1] <= began)
    return (
        f"{way.__name__:20} took {ended - began:6.2f} s; longest commit"
        f" {max((row[1] for row in during), default=0):6.2f} s (median before"
        f" {before[len(before) // 2]:.3f} s), refused {sum(row[2] for row in during):.0f}{problem}"
    )


def main(folder: Path, megabytes: int) -> None:
    database = make(folder / "bench" / "orchestrator.db", megabytes)
    print(f"{database.path.stat().st_size / 1e6:.0f} MB, {WRITERS} writers")
    for way in WAYS:
        print(measure(way, database), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write_for_ever(Path(sys.argv[2]))
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 400)
