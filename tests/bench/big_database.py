"""A database as it looks after years: 10,000 DAGs and 1,000,000 finished task instances.

It is made once on a machine, below the folder for temporary files, and again when the schema or
this module changes. A benchmark gets a copy of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.dag.language.parser import parse
from chalicelib.dag.model import Dag
from chalicelib.database import Database, Transaction
from chalicelib.database.connection import migrations
from chalicelib.database.queries import dags
from tests.bench.dag_files import five

NOW = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
"""When nothing of it is due, nor will be within the next minutes."""
DUE = NOW.replace(minute=30)
"""When every DAG below `Size.due_together` is due."""
REST = NOW.replace(day=24, hour=3, minute=0)
"""When all others are due."""

TASKS = 5


@dataclass(frozen=True, slots=True)
class Size:
    """`due_together` of the DAGs are due at DUE."""

    dags: int = 10_000
    runs_of_each: int = 20
    due_together: int = 100

    @property
    def task_instances(self) -> int:
        return self.dags * self.runs_of_each * TASKS


FULL = Size()
QUICK = Size(dags=1_000, runs_of_each=10)

# Each statement stays far below the five seconds that a transaction may take.
RUNS_AT_ONCE = 2_000
DAGS_AT_ONCE = 200

# Run n is the (n / dags)th hourly run of DAG n % dags; one in fifty failed at its last task.
_RUNS = """
    WITH RECURSIVE n (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM n WHERE n + 1 < :last)
    INSERT INTO runs (id, run_id, dag_id, version_id, run_type, state, logical_date,
        data_interval_start, data_interval_end, not_before, created_at, admitted_at, started_at,
        ended_at)
    SELECT n + 1, d.dag_id || '__' || strftime('%Y%m%dT%H%M%SZ', at / 1000000, 'unixepoch')
            || printf('_%05d', n / :dags),
        d.dag_id, d.version_id, iif(n % 10, 'scheduled', 'manual'),
        iif(n % 50, 'success', 'failed'), at, at - :hour, at, at, at, at, at + 1000, at + 5000000
    FROM (SELECT n, :since + (n / :dags) * :hour AS at FROM n)
    JOIN dags d ON d.rowid = n % :dags + 1
"""
_TASK_INSTANCES = """
    INSERT INTO task_instances (run_key, dag_id, task_id, state, try_number, queued_at, not_before,
        started_at, heartbeat_at, ended_at, exit_code, max_rss_bytes, log_bytes)
    SELECT id, dag_id, task_id, iif(is_bad, 'failed', 'success'), 1, at, at, at + 1000, at + 1000,
        at + 900000, is_bad, 3000000, 120
    FROM (
        SELECT r.id, r.dag_id, t.value AS task_id, r.logical_date + t.key * 1000000 AS at,
            r.state = 'failed' AND t.value = 'load' AS is_bad
        FROM runs r CROSS JOIN json_each(:tasks) t WHERE r.id > :first AND r.id <= :last
        ORDER BY r.id, t.key
    )
"""
_ATTEMPTS = """
    INSERT INTO attempts (task_instance_id, try_number, outcome, queued_at, started_at, ended_at,
        exit_code, max_rss_bytes, log_bytes)
    SELECT id, 1, state, queued_at, started_at, ended_at, exit_code, max_rss_bytes, log_bytes
    FROM task_instances WHERE run_key > :first AND run_key <= :last
"""


@contextmanager
def big_database(size: Size) -> Iterator[Database]:
    """A copy that the benchmark may change; it is gone afterwards."""
    master = _folder(size)
    if not master.exists():
        _build(master, size)
    with tempfile.TemporaryDirectory(prefix="orchestrator-bench-") as folder:
        copy = Path(folder) / "database"
        shutil.copytree(master, copy)
        os.sync()  # else the first commits wait for the copy to reach the disk
        database = Database(copy / _FILE)
        try:
            yield database
        finally:
            database.close()


def file_of(number: int) -> tuple[str, str]:
    """Key and ETag of the file of a DAG."""
    key = f"{dag_id_of(number)}.yaml"
    return key, hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()


def dag_id_of(number: int) -> str:
    return f"dag_{number:05d}"


_FILE = "orchestrator.db"


def _folder(size: Size) -> Path:
    made_of = Path(__file__).read_text() + "".join(step.script for step in migrations.load())
    name = hashlib.sha256(f"{size}{made_of}".encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"orchestrator-bench-database-{name}"


def _build(folder: Path, size: Size) -> None:
    private = folder.with_name(f"{folder.name}.{os.getpid()}")
    database = Database(private / _FILE)
    database.create_if_missing()
    for first in range(0, size.dags, DAGS_AT_ONCE):
        with database.write() as tx:
            _add_dags(tx, size, range(first, min(first + DAGS_AT_ONCE, size.dags)))
    count = size.dags * size.runs_of_each
    for first in range(0, count, RUNS_AT_ONCE):
        with database.write() as tx:
            _add_runs(tx, size, first, min(first + RUNS_AT_ONCE, count))
    database.close()
    private.rename(folder)


def _add_dags(tx: Transaction, size: Size, numbers: range) -> None:
    source = five("any", schedule="0 3 * * *")
    rare = parse(source.encode())
    often = replace(rare, schedule=("30 * * * *",))
    for number in numbers:
        is_due = number < size.due_together
        _add_dag(tx, often if is_due else rare, number, source, DUE if is_due else REST)


def _add_dag(tx: Transaction, pattern: Dag, number: int, source: str, due: datetime) -> None:
    dag_id = dag_id_of(number)
    tags = (f"team-{number % 20}", "nightly" if number % 2 else "hourly")
    dag = replace(pattern, dag_id=dag_id, name=f"DAG number {number}", tags=tags)
    key, etag = file_of(number)
    dags.save_file(tx, key, etag, dag_id, NOW)
    version = dags.add_version(tx, dag, key, etag, source, NOW)
    is_paused = number % 10 == 9 and due == REST
    dags.activate(tx, dag, version, key, is_paused, None if is_paused else due, NOW)


def _add_runs(tx: Transaction, size: Size, first: int, last: int) -> None:
    hour = timedelta(hours=1)
    since = NOW.replace(minute=0) - size.runs_of_each * hour
    tx.execute(
        _RUNS,
        {
            "first": first,
            "last": last,
            "dags": size.dags,
            "hour": int(hour.total_seconds()) * 1_000_000,
            "since": int(since.timestamp()) * 1_000_000,
        },
    )
    bounds = {"first": first, "last": last}
    tasks = json.dumps(["extract", "a", "b", "c", "load"])
    tx.execute(_TASK_INSTANCES, {**bounds, "tasks": tasks})
    tx.execute(_ATTEMPTS, bounds)
