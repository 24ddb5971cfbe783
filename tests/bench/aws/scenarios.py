"""What is simulated, and what is measured of it."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from chalicelib.database.connection.times import from_us
from chalicelib.messages import TaskMessage
from tests.bench.aws.cloud import Ran, SimulatedAws
from tests.bench.aws.deployment import Deployment
from tests.bench.dag_files import chain, dag
from tests.bench.report import percentile

BEGINS = datetime(2026, 11, 23, 9, 57, 41, tzinfo=UTC)
HOUR = datetime(2026, 11, 23, 10, tzinfo=UTC)
LIMIT_SECONDS = 1800.0
PAUSE_SECONDS = 30.0
"""Between the cold run and the warm one: sandboxes are kept for minutes."""

Figures = dict[str, float]
Measure = Callable[[Deployment, int, bool], Figures]


@dataclass(frozen=True)
class Scenario:
    """`run` gives the figures for one deployment and seed; `compared` names the other choices that
    it is also run with."""

    name: str
    run: Measure
    targets: Sequence[tuple[str, Literal["at most", "at least"], float]]
    compared: Sequence[str]
    note: str
    is_large: bool = False

    def measure(
        self, deployment: Deployment, seeds: Sequence[int], *, is_quick: bool
    ) -> dict[str, Any]:
        """The medians over the seeds."""
        rounds = [self.run(deployment, seed, is_quick) for seed in seeds]
        return {key: statistics.median(values[key] for values in rounds) for key in rounds[0]}


@contextmanager
def _cloud(deployment: Deployment, seed: int, seconds: float) -> Iterator[SimulatedAws]:
    def seconds_of(_: TaskMessage) -> float:
        return seconds

    with tempfile.TemporaryDirectory() as folder:
        cloud = SimulatedAws(Path(folder), deployment, seed, seconds_of, BEGINS)
        try:
            yield cloud
        finally:
            cloud.close()


def _run(cloud: SimulatedAws, dag_id: str) -> tuple[float, list[Ran]]:
    """Request a run and play to its end. Returns how long that took, from the request to the commit
    that ended it, and the commands."""
    begun, before = cloud.loop.clock(), len(cloud.ran)
    ended = _ended_runs(cloud) + 1
    cloud.request(dag_id)
    if not cloud.play_until(lambda: _ended_runs(cloud) >= ended, LIMIT_SECONDS):
        raise RuntimeError(f"{dag_id} did not end within {LIMIT_SECONDS:g} s")
    return (cloud.loop.clock() - begun).total_seconds(), cloud.ran[before:]


def _ended_runs(cloud: SimulatedAws) -> int:
    """Asked after each event, so the database is read only after a transaction."""
    if cloud.ended_runs[0] == cloud.transactions:
        return cloud.ended_runs[1]
    with cloud.scheduler.database.read() as tx:
        row = tx.one("SELECT count(*) FROM runs WHERE ended_at IS NOT NULL", ())
    cloud.ended_runs = (cloud.transactions, int(row[0]) if row else 0)
    return cloud.ended_runs[1]


def _hops(ran: Sequence[Ran]) -> list[float]:
    ordered = sorted(ran, key=lambda command: command.started_at)
    return [
        (after.started_at - before.ended_at).total_seconds() * 1000
        for before, after in pairwise(ordered)
    ]


def _chain(deployment: Deployment, seed: int, is_quick: bool) -> Figures:
    length = 40
    with _cloud(deployment, seed, 1.0) as cloud:
        cloud.register({"chain.yaml": chain("chain", length)})
        cold_s, cold = _run(cloud, "chain")
        cloud.play_until(lambda: False, PAUSE_SECONDS)
        warm_s, warm = _run(cloud, "chain")
        hops = _hops(cold) + _hops(warm)
        return {
            "hop_p50_ms": statistics.median(hops),
            "hop_p90_ms": percentile(hops, 0.9),
            "hop_p99_ms": percentile(hops, 0.99),
            "cold_makespan_s": cold_s,
            "warm_makespan_s": warm_s,
        }


def _many_chains(deployment: Deployment, seed: int, is_quick: bool) -> Figures:
    length, count = 40, 5 if is_quick else 20
    with _cloud(deployment, seed, 1.0) as cloud:
        cloud.register({f"c{n}.yaml": chain(f"c{n}", length) for n in range(count)})
        for n in range(count):
            cloud.request(f"c{n}")
        cloud.play_until(lambda: _ended_runs(cloud) >= count, LIMIT_SECONDS)
        by_dag: dict[str, list[Ran]] = {}
        for command in cloud.ran:
            by_dag.setdefault(command.attempt.dag_id, []).append(command)
        hops = [hop for commands in by_dag.values() for hop in _hops(commands)]
        return {"hop_p50_ms": statistics.median(hops), "hop_p99_ms": percentile(hops, 0.99)}


def _fan_out(width: int) -> Measure:
    def run(deployment: Deployment, seed: int, is_quick: bool) -> Figures:
        source = dag("wide", {f"t{n}": [] for n in range(width)}, limit=width)
        with _cloud(deployment, seed, 10.0) as cloud:
            cloud.register({"wide.yaml": source})
            cold_s, cold = _run(cloud, "wide")
            cold_starts = cloud.execute.cold_starts
            cloud.play_until(lambda: False, PAUSE_SECONDS)
            warm_s, warm = _run(cloud, "wide")
        return {
            "cold_makespan_s": cold_s,
            "cold_last_start_s": _last_start(cold),
            "warm_makespan_s": warm_s,
            "warm_last_start_s": _last_start(warm),
            "cold_starts": cold_starts,
        }

    return run


def _last_start(ran: Sequence[Ran]) -> float:
    """Return the last start, in seconds after the first."""
    starts = [command.started_at for command in ran]
    return (max(starts) - min(starts)).total_seconds()


def _on_the_hour(deployment: Deployment, seed: int, is_quick: bool) -> Figures:
    count = 1_000 if is_quick else 10_000
    with _cloud(deployment, seed, 0.2) as cloud:
        names = [f"d{n}" for n in range(count)]
        for start in range(0, count, 500):
            files = {
                f"{name}.yaml": dag(name, {"task": []}, schedule="0 * * * *")
                for name in names[start : start + 500]
            }
            cloud.register(files)
        cloud.play_until(lambda: len(cloud.ran) >= count, 600.0)
        late = [(command.started_at - HOUR).total_seconds() for command in cloud.ran]
        return {
            "share_started": len(late) / count,
            "last_start_s": max(late, default=0.0),
            "median_start_s": statistics.median(late) if late else 0.0,
            "earliest_start_s": min(late, default=0.0),
            "runs_created_s": _last_created(cloud),
            "transactions": cloud.transactions,
        }


def _last_created(cloud: SimulatedAws) -> float:
    """Return when the last run was created, in seconds after the hour."""
    with cloud.scheduler.database.read() as tx:
        row = tx.one("SELECT max(created_at) FROM runs", ())
    created_at = from_us(row[0]) if row else None
    return ((created_at or HOUR) - HOUR).total_seconds()


SCENARIOS = (
    Scenario(
        "chain of 40",
        _chain,
        [("hop_p50_ms", "at most", 100)],
        ["claims in S3, as before", "apply with 512 MB, as before", "tasks with 1,769 MB"],
        "tasks of one second; a hop is from the end of a command to the start of the next",
    ),
    Scenario(
        "20 chains of 40",
        _many_chains,
        [],
        ["one apply at once", "a batch window of 1 s", "apply with 512 MB, as before"],
        "all requested at once: results queue for the database's one lock",
    ),
    Scenario(
        "fan-out of 125",
        _fan_out(125),
        [("cold_makespan_s", "at most", 25)],
        ["two alike sizes of Lambda", "four alike sizes of Lambda", "two provisioned pollers"],
        "ten-second tasks, from the request to the commit that ends the run; cold: no sandbox"
        " exists, warm: 30 s after the end of the cold run",
    ),
    Scenario(
        "fan-out of 1,000",
        _fan_out(1000),
        [],
        [
            "two alike sizes of Lambda",
            "four alike sizes of Lambda",
            "two provisioned pollers",
        ],
        "the same",
        is_large=True,
    ),
    Scenario(
        "10,000 DAGs on the hour",
        _on_the_hour,
        [("last_start_s", "at most", 60)],
        ["apply with 512 MB, as before", "two alike sizes of Lambda"],
        "each with one task of 0.2 s; from 10:00:00 to the start of the last command. With tasks of"
        " a second or more, Lambda's ramp decides: 9,300 of them can start in the first minute",
        is_large=True,
    ),
)
