"""A backfill of 10,000 runs beside a schedule: how long a tick, and any other transaction of the
scheduler, takes meanwhile."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chalicelib.messages import TaskMessage
from chalicelib.scheduler import results
from chalicelib.scheduler.commands import backfills
from chalicelib.scheduler.tick import tick
from tests.bench.machine import milliseconds
from tests.bench.report import Line, Target, percentile
from tests.support.world import Played, World

RUNS = 10_000
QUICK_RUNS = 500
ACTIVE = 100
SECONDS = 20.0

_DAG = f"""
name: Backfilled
schedule: "* * * * *"
max_active_runs: {ACTIVE}
max_active_tasks: {ACTIVE}
tasks: [{{id: t, command: "true"}}]
"""


class _Bench(World):
    """A world that measures each tick and each batch of results."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _some_seconds)
        self.ticks_ms: list[float] = []
        self.applied_ms: list[float] = []

    def minute(self) -> None:
        """A tick, and what reports come in until the next."""
        self.ticks_ms.append(milliseconds(lambda: tick(self.scheduler)))
        for _ in range(60):
            self.execute()
            self.clock.advance(1)
            self.executor.finish_due()
            self._apply_all()

    def _apply_all(self) -> None:
        while batch := self._batch():
            begun = time.perf_counter()
            results.apply(self.scheduler, batch)
            self.applied_ms.append((time.perf_counter() - begun) * 1000)

    def _batch(self) -> list[str]:
        bodies: list[str] = []
        while len(bodies) < ACTIVE and (more := self.results.receive(10)):
            self.results.delete(more)
            bodies += [message.body for message in more]
        return bodies


def _some_seconds(task: TaskMessage) -> Played:
    return Played(seconds=SECONDS)


def run(is_quick: bool) -> Line:
    count = QUICK_RUNS if is_quick else RUNS
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder))
        try:
            planning_ms, seconds = _backfill(bench, count)
            scheduled, late = _lateness(bench)
        finally:
            bench.close()
    return Line(
        name="backfill",
        runs=1,
        figures={
            "longest_tick_s": max(bench.ticks_ms) / 1000,
            "longest_transaction_s": max(bench.applied_ms) / 1000,
            "ticks": len(bench.ticks_ms),
            "tick_p50_ms": percentile(bench.ticks_ms, 0.5),
            "apply_p50_ms": percentile(bench.applied_ms, 0.5),
            "planning_ms": planning_ms,
            "whole_backfill_s": seconds,
            "runs_per_s": count / seconds,
            "scheduled_runs_meanwhile": scheduled,
            "scheduled_lateness_max_s": late,
        },
        targets=[
            Target("longest_tick_s", "at most", 5),
            Target("longest_transaction_s", "at most", 5),
        ],
        note=f"{count} fire times, {ACTIVE} runs at once, of a DAG whose schedule goes on; each"
        f" task takes {SECONDS:g} s on the accelerated clock; queues in memory",
    )


def _backfill(bench: _Bench, count: int) -> tuple[float, float]:
    """Milliseconds of the request, and seconds of all that follows from it."""
    bench.upload(_DAG)
    last = datetime(2026, 11, 20, tzinfo=UTC)
    first = last - timedelta(minutes=count - 1)
    begun = time.perf_counter()
    planning = milliseconds(
        lambda: backfills.create(
            bench.scheduler, "backfilled", who="bench", from_date=first, to_date=last
        )
    )
    while bench.all("SELECT state FROM backfills") != [("done",)]:
        bench.minute()
    done = bench.all("SELECT count(*) FROM runs WHERE run_type = 'backfill' AND state = 'success'")
    if done != [(count,)]:
        raise RuntimeError(f"{done[0][0]} of {count} runs succeeded")
    return planning, time.perf_counter() - begun


def _lateness(bench: _Bench) -> tuple[int, float]:
    """How many runs the schedule made meanwhile, and how long the latest waited for its start."""
    sql = "SELECT started_at - logical_date FROM runs WHERE run_type = 'scheduled' AND started_at"
    late = [row[0] / 1e6 for row in bench.all(sql)]
    return len(late), max(late, default=0.0)
