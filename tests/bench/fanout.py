"""One task, then 500, then one: tasks a second, and the processor time that is our own."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.dag_files import fan_out
from tests.bench.local_cloud import LocalCloud, local_cloud, moment
from tests.bench.machine import Cost, measured, plain_commands
from tests.bench.own_engine import PARALLELISM, OwnEngine
from tests.bench.report import Line, Target


@dataclass(frozen=True)
class _Round:
    """One run of each kind, one after the other, so that the machine is the same for all."""

    rate: float
    cloud_ms: float
    own: Cost
    plain: Cost


def run(is_quick: bool) -> Line:
    runs, width = (2, 100) if is_quick else (5, 500)
    source = fan_out("wide", width)
    with (
        tempfile.TemporaryDirectory() as folder,
        local_cloud(parallelism=str(PARALLELISM)) as cloud,
    ):
        engine = OwnEngine(Path(folder))
        engine.upload("wide.yaml", source)
        cloud.upload({"wide.yaml": source})
        with engine.running():
            engine.run("wide")  # the first run of a process also loads code
            cloud.run("wide")
            rounds = [_round(cloud, engine, width) for _ in range(runs)]
    return _line(rounds, width)


def _round(cloud: LocalCloud, engine: OwnEngine, width: int) -> _Round:
    plain = plain_commands(width, PARALLELISM)
    before = cloud.processor_seconds()
    tasks = cloud.run("wide")
    used = cloud.processor_seconds() - before
    with measured() as own:
        engine.run("wide")
    return _Round(tasks_per_second(tasks), used * 1000 / len(tasks), own, plain)


def _line(rounds: list[_Round], width: int) -> Line:
    tasks = width + 2
    return Line(
        name="fanout",
        runs=len(rounds),
        figures={
            "tasks_per_s": statistics.median(r.rate for r in rounds),
            "own_processor_ms_per_task": statistics.median(
                r.own.own * 1000 / tasks for r in rounds
            ),
            "local_cloud_processor_ms_per_task": statistics.median(r.cloud_ms for r in rounds),
        },
        targets=[
            Target("tasks_per_s", "at least", 100),
            Target("own_processor_ms_per_task", "at most", 2),
        ],
        here={
            "four_plain_threads_per_s": statistics.median(width / r.plain.wall for r in rounds),
            "four_plain_threads_processor_ms": statistics.median(
                r.plain.own * 1000 / width for r in rounds
            ),
            "without_moto_tasks_per_s": statistics.median(tasks / r.own.wall for r in rounds),
        },
        published={"Airflow": 3.4, "Prefect": 44, "Luigi": 35, "Dagu": 413},
        note=f"fan-out of {width}; processor time is this program's, without that of the commands;"
        " own: the same engine with queues of a few lines in place of moto and botocore",
    )


def tasks_per_second(tasks: list[dict[str, Any]]) -> float:
    """Return the rate from the first start to the last end."""
    begun = min(moment(task["started_at"]) for task in tasks)
    ended = max(moment(task["ended_at"]) for task in tasks)
    return len(tasks) / (ended - begun).total_seconds()
