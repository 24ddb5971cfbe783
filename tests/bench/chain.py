"""Ten tasks in a row: what lies between the end of one and the start of the next."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import Any

from tests.bench.dag_files import chain
from tests.bench.local_cloud import local_cloud, seconds_between
from tests.bench.machine import plain_commands
from tests.bench.report import Line, Target, percentile

LENGTH = 10


def run(is_quick: bool) -> Line:
    runs = 3 if is_quick else 9
    with local_cloud() as cloud:
        cloud.upload({"chain.yaml": chain("chain", LENGTH)})
        cloud.run("chain")  # the first run of a process also loads code
        gaps = [gaps_of(cloud.run("chain")) for _ in range(runs)]
    every = [gap for of_run in gaps for gap in of_run]
    return Line(
        name="chain",
        runs=runs,
        figures={
            "gap_ms": statistics.median(statistics.median(of_run) for of_run in gaps),
            "gap_p90_ms": percentile(every, 0.9),
            "gap_max_ms": max(every),
        },
        targets=[Target("gap_ms", "at most", 50)],
        here={"bash_c_true_ms": plain_commands(50, 1).wall / 50 * 1000},
        published={"Airflow 3.3": 930, "Airflow 3.3, tuned": 180, "Dagu": 100},
    )


def gaps_of(tasks: list[dict[str, Any]]) -> list[float]:
    """Milliseconds between the tasks of one run, in the order of the chain."""
    ordered = sorted(tasks, key=lambda task: int(task["task_id"][1:]))
    return [
        seconds_between(before["ended_at"], after["started_at"]) * 1000
        for before, after in pairwise(ordered)
    ]
