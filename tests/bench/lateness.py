"""How long after its due time a scheduled task starts."""

from __future__ import annotations

import statistics
import time

from tests.bench.dag_files import one
from tests.bench.local_cloud import LocalCloud, local_cloud, seconds_between
from tests.bench.machine import timer_lateness
from tests.bench.report import Line, Target


def run(is_quick: bool) -> Line:
    watched = 70 if is_quick else 200
    with local_cloud() as cloud:
        cloud.upload(
            {
                "minute.yaml": one("minute", "* * * * *"),
                "often.yaml": one("often", "@every 10s"),
            }
        )
        time.sleep(watched)
        late = {dag_id: _lateness(cloud, dag_id) for dag_id in ("minute", "often")}
    every = [seconds for of_dag in late.values() for seconds in of_dag]
    return Line(
        name="lateness",
        runs=len(every),
        figures={
            "median_s": statistics.median(every),
            "least_s": min(every),
            "most_s": max(every),
            "every_minute_median_s": statistics.median(late["minute"]),
            "every_10s_median_s": statistics.median(late["often"]),
        },
        targets=[Target("median_s", "at most", 0.2), Target("least_s", "at least", 0)],
        here={"timer_of_this_machine_s": statistics.median(timer_lateness() for _ in range(5))},
        published={"Airflow": 1.6, "Prefect": 1.2, "Dagster": 5},
        note=f"all runs that came due in {watched} s",
    )


def _lateness(cloud: LocalCloud, dag_id: str) -> list[float]:
    """Seconds from the due time to the start of each run's first task."""
    return [
        seconds_between(run["logical_date"], run["started_at"])
        for run in cloud.every("runs", "/api/runs", dag_id=dag_id)
        if run["started_at"] is not None
    ]
