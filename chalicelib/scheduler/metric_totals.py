"""Adds up what has ended, for the metrics: part of the tick, so that neither a result nor a scrape
pays for it.

A run is counted once it has ended, with its attempts. One that is cleared and ends again is counted
again, with the attempts since then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.database.queries import housekeeping, metric_totals
from chalicelib.database.queries.metric_totals import EndedRun
from chalicelib.database.reads import costs
from chalicelib.metric_bounds import DURATION_BOUNDS, LATENESS_BOUNDS, MAX_DAGS, OTHER_DAGS
from chalicelib.scheduler.unit_of_work import UnitOfWork

MAX_RUNS = 2_000
MAX_ATTEMPTS = 20_000
"""Attempts after which a tick leaves the rest to the next one."""

MARGIN = timedelta(seconds=15)
"""A run that has ended may be committed a little later than one that ended after it."""

_CURSOR = "metrics_counted"
_USAGE = ("mb_ms", "fargate_vcpu_ms", "fargate_mb_ms", "invocations", "stored_logs")


@dataclass
class _Sum:
    count: int = 0
    total: float = 0.0
    buckets: list[int] = field(default_factory=list)

    def add(self, count: int, total: float, buckets: Sequence[int] = ()) -> None:
        self.count += count
        self.total += total
        before = self.buckets or [0] * len(buckets)
        self.buckets = [a + b for a, b in zip(before, buckets, strict=True)]


_Sums = dict[tuple[str, str, str], _Sum]


def add_ended(work: UnitOfWork) -> int:
    """Add up the runs that have ended since the last time. Returns how many."""
    until = work.now - MARGIN
    after = _cursor(work)
    # The first time, and after the clock was set back, counting begins now.
    if after is None or after[0] > work.now:
        _move(work, (until, 0))
        return 0
    sums: _Sums = {}
    named = metric_totals.counted_dags(work.tx)
    attempts = counted = 0
    for run in metric_totals.ended_runs(work.tx, after, until, MAX_RUNS):
        attempts += _add_run(work, sums, run, _label(work, named, run.dag_id))
        after = (run.ended_at, run.key)
        counted += 1
        if attempts >= MAX_ATTEMPTS:
            break
    for (dag_id, metric, label), one in sums.items():
        metric_totals.add(
            work.tx, dag_id, metric, label, count=one.count, total=one.total, buckets=one.buckets
        )
    if counted:
        _move(work, after)
    return counted


def _add_run(work: UnitOfWork, sums: _Sums, run: EndedRun, dag_id: str) -> int:
    """Add one run and its attempts. Returns the number of attempts."""

    def total(metric: str, label: str = "", *, of: str = dag_id) -> _Sum:
        return sums.setdefault((of, metric, label), _Sum())

    total("runs", run.state).add(1, 0.0)
    if run.seconds is not None:
        total("run_duration").add(1, run.seconds, _buckets(run.seconds, DURATION_BOUNDS))
    if run.is_scheduled and run.queue_seconds is not None:
        late = max(0.0, run.queue_seconds)
        total("lateness", of="").add(1, late, _buckets(late, LATENESS_BOUNDS))
    count = 0
    for row in metric_totals.attempts_of(work.tx, run, DURATION_BOUNDS):
        total("attempts", row.outcome).add(row.count, 0.0)
        total("attempt_duration").add(row.count, row.seconds, row.buckets)
        count += row.count
    usage = costs.of_run_since(work.tx, run.key, run.counts_from)
    for name in _USAGE:
        if value := getattr(usage, name):
            total("usage", name).add(0, float(value))
    return count


def _label(work: UnitOfWork, named: set[str], dag_id: str) -> str:
    """Return what the DAG is counted as."""
    if dag_id in named:
        return dag_id
    if len(named) >= MAX_DAGS:
        metric_totals.forget_removed_dags(work.tx)
        named.clear()
        named.update(metric_totals.counted_dags(work.tx))
        if len(named) >= MAX_DAGS:
            return OTHER_DAGS
    named.add(dag_id)
    return dag_id


def _buckets(seconds: float, bounds: Sequence[float]) -> list[int]:
    return [int(seconds <= bound) for bound in bounds]


def _cursor(work: UnitOfWork) -> tuple[datetime, int] | None:
    time = housekeeping.stored_time(work.tx, _CURSOR)
    key = housekeeping.stored_text(work.tx, f"{_CURSOR}_key")
    return None if time is None else (time, int(key or 0))


def _move(work: UnitOfWork, after: tuple[datetime, int]) -> None:
    housekeeping.set_time(work.tx, _CURSOR, after[0])
    housekeeping.set_text(work.tx, f"{_CURSOR}_key", str(after[1]))
