"""Many DAGs of five tasks, all asked for at once over the API."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException

from tests.bench.dag_files import five
from tests.bench.local_cloud import LocalCloud, local_cloud, moment
from tests.bench.machine import plain_commands
from tests.bench.report import Line, Target


@dataclass(frozen=True)
class Outcome:
    """Tasks a second, the slowest answer, and every request and task that went wrong, by kind."""

    per_s: float
    slowest_answer_s: float
    wrong: Counter[str]


def run(is_quick: bool) -> Line:
    runs, count = (1, 20) if is_quick else (3, 200)
    with local_cloud() as cloud:
        cloud.upload({f"many_{n}.yaml": five(f"many_{n}") for n in range(count)})
        outcomes = [all_at_once(cloud, count) for _ in range(runs)]
    wrong = sum((outcome.wrong for outcome in outcomes), Counter[str]())
    return Line(
        name="many",
        runs=runs,
        figures={
            "tasks_per_s": statistics.median(outcome.per_s for outcome in outcomes),
            "slowest_answer_s": statistics.median(o.slowest_answer_s for o in outcomes),
            "errors": wrong.total(),
            "errors_by_kind": dict(wrong),
        },
        targets=[Target("tasks_per_s", "at least", 100), Target("errors", "at most", 0)],
        here={"four_plain_threads_per_s": count * 5 / plain_commands(count * 5, 4).wall},
        published={"Airflow on SQLite": "fails", "Prefect and Dagster": "1 to 2", "Dagu": 184},
        note=f"{count} DAGs, each asked for on a connection of its own, all at once; from the first"
        " request to the end of the last task; errors are the sum over all runs",
    )


def all_at_once(cloud: LocalCloud, count: int) -> Outcome:
    """Ask for a run of each of the DAGs `many_0` to `many_{count - 1}`, and wait for their end."""
    before = {run["run_id"] for run in cloud.every("runs", "/api/runs")}
    begun = datetime.now(UTC)
    with ThreadPoolExecutor(count) as pool:
        asked = list(pool.map(lambda n: _ask(cloud, f"many_{n}"), range(count)))
    cloud.until(lambda: not _unfinished(cloud), within=600, pause=0.5)
    tasks = [
        task
        for task in cloud.every("task_instances", "/api/task_instances")
        if task["run_id"] not in before
    ]
    ended = max(moment(task["ended_at"]) for task in tasks)
    wrong = Counter(f"task {task['state']}" for task in tasks if task["state"] != "success")
    wrong.update(error for error, _ in asked if error)
    seconds = (ended - begun).total_seconds()
    return Outcome(len(tasks) / seconds, max(took for _, took in asked), wrong)


def _ask(cloud: LocalCloud, dag_id: str) -> tuple[str, float]:
    """What went wrong, if anything, and how long the answer took, in seconds."""
    begun, error = time.perf_counter(), ""
    try:
        cloud.trigger_run(dag_id)
    except (OSError, HTTPException, RuntimeError) as problem:
        error = type(problem).__name__ if isinstance(problem, OSError) else str(problem)
    return error, time.perf_counter() - begun


def _unfinished(cloud: LocalCloud) -> bool:
    states = ("queued", "running")
    return any(cloud.get("/api/runs", state=state, limit=1)["runs"] for state in states)
