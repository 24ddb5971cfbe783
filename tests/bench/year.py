"""A simulated year with retention on: the file stops growing, and expired runs go as fast as new
ones come. Days pass as fast as the disk allows; each brings as many finished runs as the last."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from chalicelib.database import Database
from chalicelib.scheduler import retention
from tests.bench.big_database import NOW, TASKS, Size, _add_dags, _add_runs
from tests.bench.report import Line, Target
from tests.bench.tick import Bench

DAGS = 50
RUNS_A_DAY = 4
RETENTION_DAYS = 90
DAY = timedelta(days=1)


@dataclass
class Year:
    """`sizes` are the file's bytes at the end of each day; `removed` counts runs."""

    sizes: list[int]
    removed: int = 0
    seconds: float = 0.0
    left: int = 0


def simulate(folder: Path, days: int, dags: int = DAGS, keep_days: int = RETENTION_DAYS) -> Year:
    """Let that many days pass on a new database."""
    database = Database(folder / "db" / "orchestrator.db")
    database.create_if_missing()
    size = Size(dags, RUNS_A_DAY, 0)
    with database.write() as tx:
        _add_dags(tx, size, range(dags))
    bench, year = Bench(database, size, {"ORCHESTRATOR_RETENTION_DAYS": str(keep_days)}), Year([])
    for day in range(days):
        _add_day(database, size, day)
        bench.clock.moment = NOW + day * DAY
        begun = time.perf_counter()
        year.removed += retention.remove_expired(bench.scheduler).count
        year.seconds += time.perf_counter() - begun
        year.sizes.append(database.path.stat().st_size)
    with database.read() as tx:
        year.left = int(tx.value("SELECT count(*) FROM runs"))
    database.close()
    return year


def _add_day(database: Database, size: Size, day: int) -> None:
    """Add the runs of one day, which have ended at that day."""
    count = size.dags * RUNS_A_DAY
    first, ended_at = day * count, int((NOW + day * DAY).timestamp()) * 1_000_000
    with database.write() as tx:
        _add_runs(tx, size, first, first + count)
        tx.execute("UPDATE runs SET ended_at = ? WHERE id > ?", (ended_at, first))


def run(is_quick: bool) -> Line:
    days, keep_days = (40, 10) if is_quick else (365, RETENTION_DAYS)
    with tempfile.TemporaryDirectory() as folder:
        year = simulate(Path(folder), days, keep_days=keep_days)
    settled = year.sizes[keep_days + 2]
    return Line(
        name="year",
        runs=1,
        figures={
            "file_mb_when_the_first_runs_expired": settled / 1e6,
            "file_mb_at_the_end": year.sizes[-1] / 1e6,
            "growth": year.sizes[-1] / settled,
            "task_instances_removed_per_s": year.removed * TASKS / year.seconds,
        },
        targets=[
            Target("growth", "at most", 1.1),
            Target("task_instances_removed_per_s", "at least", 1_000_000 / 86_400),
        ],
        note=f"{days} days of {DAGS * RUNS_A_DAY * TASKS} task instances, kept for {keep_days}",
    )
