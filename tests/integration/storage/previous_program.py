"""A program of today's schema at work: `python previous_program.py DATABASE`.

It creates runs and reads lists as the scheduler and the API do, and prints the name of each run
once that is committed, or `# ` and an error. It ends when its input does.
"""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.dag.model import Task
from chalicelib.database import Database
from chalicelib.database.connection.migrations import load
from chalicelib.database.connection.retry import Patience
from chalicelib.database.queries import runs, task_instances
from chalicelib.database.queries.runs import NewRun
from chalicelib.database.reads import backfills, journal
from chalicelib.database.reads import runs as run_reads
from chalicelib.database.reads import task_instances as task_reads
from chalicelib.enums import RunType

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
TASKS = (Task("extract", "echo"), Task("load", "echo", ("extract",)))


def create_run(database: Database, number: int) -> str:
    run_id, date = f"old__{number}", BEGIN + timedelta(seconds=number)
    with database.write() as tx:
        key = runs.insert(tx, run_id, "d", 1, NewRun(RunType.MANUAL, date, date, date, date), date)
        assert key is not None
        task_instances.insert(tx, key, "d", TASKS)
    return run_id


def read_lists(database: Database) -> None:
    with database.read() as tx:
        assert run_reads.list_runs(tx, limit=20).items
        assert task_reads.list_task_instances(tx, limit=20).items
        journal.notifications(tx, limit=20)
        backfills.list_backfills(tx, limit=20)


def work(database: Database, is_over: threading.Event) -> None:
    number = 0
    while not is_over.is_set():
        number += 1
        try:
            print(create_run(database, number), flush=True)
            read_lists(database)
        except Exception as error:
            print(f"# {error!r}", flush=True)


def wait_for_end(is_over: threading.Event) -> None:
    sys.stdin.read()
    is_over.set()


def main() -> None:
    database = Database(Path(sys.argv[1]), steps=load(), patience=Patience(budget=60.0))
    is_over = threading.Event()
    threading.Thread(target=wait_for_end, args=(is_over,), daemon=True).start()
    work(database, is_over)


if __name__ == "__main__":
    main()
