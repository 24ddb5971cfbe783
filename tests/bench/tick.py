"""One tick on a large database: when nothing is due, and when 100 DAGs are due at once."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import islice

from chalicelib import config
from chalicelib.database import Database, Transaction
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import ObjectInfo
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.tick import tick
from tests.bench.big_database import DUE, FULL, NOW, QUICK, Size, big_database, file_of
from tests.bench.machine import milliseconds
from tests.bench.own_engine import InstantQueue
from tests.bench.report import Line, Target
from tests.support.fakes import FakeBucket, FakeClaims, FakeClock


class ListedBucket(FakeBucket):
    """The dags bucket of the large database: a listing only, because no file of it has changed."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self._listing = [ObjectInfo(*file_of(number), 1) for number in range(size.dags)]

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        return list(islice((i for i in self._listing if i.key > start_after), limit))


class Bench:
    """A scheduler on the large database, and a clock that is set before each tick."""

    def __init__(
        self, database: Database, size: Size, environ: Mapping[str, str] | None = None
    ) -> None:
        self.database, self.size, self.clock = database, size, FakeClock(NOW)
        self.scheduler = SchedulerContext(
            database=database,
            task_queues={DEFAULT_PLACE: InstantQueue()},
            results=InstantQueue(),
            dead_letters=InstantQueue(),
            dags=ListedBucket(size),
            runs=FakeBucket(),
            claims=FakeClaims(),
            settings=config.load(environ or {}),
            now=self.clock,
        )
        with database.read() as tx:
            self.last_run = _number(tx, "SELECT coalesce(max(id), 0) FROM runs")

    def ticks(self, runs: int, moment: datetime, before: Callable[[], None]) -> list[float]:
        """Milliseconds of each of so many ticks at `moment`, with `before` called ahead of each.
        Raises RuntimeError if one did not find due what is due then."""
        self.clock.moment = moment
        due = self.size.due_together if moment >= DUE else 0
        return [self._timed(before, due) for _ in range(runs)]

    def _timed(self, before: Callable[[], None], due: int) -> float:
        before()
        reports = []
        took = milliseconds(lambda: reports.append(tick(self.scheduler)))
        if reports[0].counts.get("runs_created", 0) != due or reports[0].errors:
            raise RuntimeError(f"{due} runs were due, but the tick made {reports[0]}")
        return took

    def as_it_was(self) -> None:
        """Take back the runs that a tick has made."""
        with self.database.write() as tx:
            tx.execute("DELETE FROM runs WHERE id > ?", (self.last_run,))
            tx.execute(
                "UPDATE dags SET next_fire_at = ? WHERE rowid <= ?",
                (int(DUE.timestamp()) * 1_000_000, self.size.due_together),
            )

    def forget_last_comparison(self) -> None:
        """Make the next tick one of those that compare the bucket with the database."""
        with self.database.write() as tx:
            tx.execute("DELETE FROM metadata")

    def write_a_row(self) -> None:
        with self.database.write() as tx:
            tx.execute("INSERT OR REPLACE INTO metadata VALUES ('bench', '1')")


def run(is_quick: bool) -> Line:
    size, runs = (QUICK, 5) if is_quick else (FULL, 15)
    with big_database(size) as database:
        bench = Bench(database, size)
        bench.ticks(1, NOW, _nothing)  # loads code, and compares the bucket
        idle = bench.ticks(runs, NOW, _nothing)
        fresh = bench.ticks(runs, NOW, database.close)
        comparing = bench.ticks(runs, NOW, bench.forget_last_comparison)
        bench.ticks(1, DUE, bench.as_it_was)  # compares the bucket: ten minutes have passed
        busy = bench.ticks(runs, DUE, bench.as_it_was)
        bare = [milliseconds(bench.write_a_row) for _ in range(runs)]
    return Line(
        name="tick",
        runs=runs,
        figures={
            "nothing_due_ms": statistics.median(idle),
            "nothing_due_max_ms": max(idle),
            "nothing_due_new_connection_ms": statistics.median(fresh),
            "nothing_due_comparing_the_bucket_ms": statistics.median(comparing),
            "due_ms": statistics.median(busy),
            "due_max_ms": max(busy),
        },
        targets=[Target("nothing_due_ms", "at most", 10), Target("due_ms", "at most", 500)],
        here={"transaction_of_one_row_ms": statistics.median(bare)},
        note=f"{size.dags} DAGs, {size.task_instances} finished task instances,"
        f" {size.due_together} DAGs due at once, queues and buckets in memory",
    )


def _nothing() -> None:
    """Do nothing before the tick."""


def _number(tx: Transaction, sql: str) -> int:
    row = tx.one(sql)
    return int(row[0]) if row is not None else 0
