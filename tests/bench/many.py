"""Many DAGs of five tasks, all asked for at once over the API."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from tests.bench.dag_files import five
from tests.bench.local_cloud import LocalCloud, local_cloud, moment
from tests.bench.machine import plain_commands
from tests.bench.report import Line, Target


def run(is_quick: bool) -> Line:
    runs, count = (1, 20) if is_quick else (3, 200)
    with local_cloud() as cloud:
        cloud.upload({f"many_{n}.yaml": five(f"many_{n}") for n in range(count)})
        outcomes = [_all_at_once(cloud, count) for _ in range(runs)]
    return Line(
        name="many",
        runs=runs,
        figures={
            "tasks_per_s": statistics.median(rate for rate, _ in outcomes),
            "errors": sum(errors for _, errors in outcomes),
        },
        targets=[Target("tasks_per_s", "at least", 100), Target("errors", "at most", 0)],
        here={"four_plain_threads_per_s": count * 5 / plain_commands(count * 5, 4).wall},
        published={"Airflow on SQLite": "fails", "Prefect": 2, "Dagster": 1, "Dagu": 184},
        note=f"{count} DAGs; from the first request to the end of the last task; errors are the sum"
        " over all runs",
    )


def _all_at_once(cloud: LocalCloud, count: int) -> tuple[float, int]:
    """Tasks a second, and how many requests and tasks went wrong."""
    begun = datetime.now(UTC)
    with ThreadPoolExecutor(count) as pool:
        asked = list(pool.map(lambda n: _ask(cloud, f"many_{n}"), range(count)))
    run_ids = {run_id for run_id in asked if run_id}
    cloud.until(lambda: not _unfinished(cloud), within=600, pause=0.5)
    tasks = [
        task
        for task in cloud.every("task_instances", "/api/task_instances")
        if task["run_id"] in run_ids
    ]
    ended = max(moment(task["ended_at"]) for task in tasks)
    failed = sum(task["state"] != "success" for task in tasks)
    seconds = (ended - begun).total_seconds()
    return len(tasks) / seconds, failed + asked.count(None)


def _ask(cloud: LocalCloud, dag_id: str) -> str | None:
    try:
        return cloud.request_run(dag_id)
    except (OSError, RuntimeError):
        return None


def _unfinished(cloud: LocalCloud) -> list[Any]:
    found: list[Any] = []
    for state in ("queued", "running"):
        found += cloud.get("/api/runs", state=state, limit=1)["runs"]
    return found
