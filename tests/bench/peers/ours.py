"""The local cloud of this program."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.dag_files import chain, fan_out
from tests.bench.local_cloud import LocalCloud, local_cloud, moment
from tests.bench.peers.measure import THREADS, Idle, Work
from tests.bench.peers.processes import watched

CLIENTS = 16
LIMIT_SECONDS = 300


class LocalSystem:
    """A local cloud that answers."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def chain(self, length: int) -> Work:
        return self._run({f"chain_{length}": chain(f"chain_{length}", length)})

    def fan_out(self, width: int) -> Work:
        return self._run({f"wide_{width}": fan_out(f"wide_{width}", width)})

    def many(self, count: int) -> Work:
        return self._run({f"many_{n}": chain(f"many_{n}", 5) for n in range(count)})

    def idle(self, seconds: float) -> Idle:
        return watched([self._cloud.process.pid], seconds, self._cloud.first_answer)

    def _run(self, sources: dict[str, str]) -> Work:
        self._cloud.upload({f"{dag_id}.yaml": text for dag_id, text in sources.items()})
        requested_at = time.time()
        with ThreadPoolExecutor(min(CLIENTS, len(sources))) as pool:
            run_ids = list(pool.map(self._cloud.trigger_run, sources))
        self._cloud.until(lambda: not self._is_active(), within=LIMIT_SECONDS)
        tasks = [task for run_id in run_ids for task in self._tasks(run_id)]
        return Work(requested_at, len(tasks), [_span(t) for t in tasks if t["ended_at"]])

    def _is_active(self) -> bool:
        states = ("queued", "running")
        return any(self._cloud.get("/api/runs", state=s, limit=1)["runs"] for s in states)

    def _tasks(self, run_id: str) -> list[dict[str, Any]]:
        return self._cloud.every("task_instances", "/api/task_instances", run_id=run_id)


def _span(task: dict[str, Any]) -> tuple[float, float]:
    return moment(task["started_at"]).timestamp(), moment(task["ended_at"]).timestamp()


@contextmanager
def started(folder: Path) -> Iterator[LocalSystem]:
    """A local cloud as `chalice local` starts it, with as many commands at once as the others."""
    with local_cloud(parallelism=str(THREADS)) as cloud:
        yield LocalSystem(cloud)
