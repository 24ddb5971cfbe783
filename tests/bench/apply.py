"""Results applied a second: everything that `apply` does but the queue."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from chalicelib.database import Database
from chalicelib.enums import Outcome
from chalicelib.messages import Result, TaskMessage
from chalicelib.scheduler import results
from tests.bench.dag_files import fan_out, five
from tests.bench.machine import Cost, measured
from tests.bench.report import Line, Target
from tests.support.world import World

LOCAL_BATCH = 100
LAMBDA_BATCH = 500
"""The most that one call of `apply` takes, in the local cloud and on Lambda."""
SMALL_BATCH = 10


@dataclass(frozen=True)
class _Rate:
    """The rate of one run. `processor_ms` is what one result costs, however busy the machine."""

    per_s: float
    processor_ms: float


def run(is_quick: bool) -> Line:
    runs, count, width = (2, 40, 100) if is_quick else (5, 200, 500)
    many = {f"many_{n}": five(f"many_{n}") for n in range(count)}
    wide = {"wide": fan_out("wide", width)}
    figures = {
        **_figures("many_dags", many, LOCAL_BATCH, runs),
        **_figures("many_dags_batches_of_500", many, LAMBDA_BATCH, runs),
        **_figures("many_dags_batches_of_10", many, SMALL_BATCH, runs),
        **_figures("one_wide_dag", wide, LOCAL_BATCH, runs),
        **_figures("one_wide_dag_batches_of_500", wide, LAMBDA_BATCH, runs),
    }
    return Line(
        name="apply",
        runs=runs,
        figures=figures,
        targets=[
            Target("many_dags_per_s", "at least", 2000),
            Target("one_wide_dag_per_s", "at least", 2000),
        ],
        here={"plain_writes_of_one_row_in_batches_of_100_per_s": _plain(count * 5)},
        note=f"{count} DAGs of five tasks, and one of {width} side by side; batches of 100"
        " where no size is named; each result also decides what runs next and writes its message",
    )


def _figures(name: str, files: dict[str, str], batch: int, runs: int) -> dict[str, float]:
    rates = [_apply_all(files, batch) for _ in range(runs)]
    return {
        f"{name}_per_s": statistics.median(rate.per_s for rate in rates),
        f"{name}_processor_ms": statistics.median(rate.processor_ms for rate in rates),
    }


def _apply_all(files: dict[str, str], batch: int) -> _Rate:
    """Run every DAG once, with executors that succeed at once; only `apply` is measured."""
    total, applied = Cost(), 0
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for dag_id, text in files.items():
            world.upload(text, f"{dag_id}.yaml")
            world.request(dag_id)
        while messages := _taken(world):
            bodies = [_success(world, TaskMessage.decode(body)) for body in messages]
            for first in range(0, len(bodies), batch):
                with measured() as cost:
                    results.apply(world.scheduler, bodies[first : first + batch])
                total = total + cost
            applied += len(bodies)
        _insist_on_success(world)
        world.close()
    return _Rate(applied / total.wall, total.own * 1000 / applied)


def _taken(world: World) -> list[str]:
    bodies: list[str] = []
    while batch := world.tasks.receive(10):
        world.tasks.delete(batch)
        bodies += [message.body for message in batch]
    return bodies


def _success(world: World, task: TaskMessage) -> str:
    world.clock.moment += timedelta(milliseconds=1)
    at = world.clock.moment.timestamp()
    return Result(task.attempt, Outcome.SUCCESS, started_at=at, ended_at=at, exit_code=0).encode()


def _insist_on_success(world: World) -> None:
    others = world.all("SELECT run_id, state FROM runs WHERE state <> 'success'")
    if others:
        raise RuntimeError(f"{len(others)} runs did not succeed, such as {others[0]}")


def _plain(count: int) -> float:
    """What the file allows: one row changed for each result, in batches of the same size."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "database" / "orchestrator.db")
        database.create_if_missing()
        begun = time.perf_counter()
        for _ in range(0, count, LOCAL_BATCH):
            with database.write() as tx:
                for number in range(LOCAL_BATCH):
                    tx.execute("INSERT OR REPLACE INTO metadata VALUES (?, '1')", (str(number),))
        seconds = time.perf_counter() - begun
        database.close()
    return count / seconds
