"""Two workers and the local cloud, each killed with SIGKILL at random, and a network that is cut at
random: nothing starts twice, and every run ends.

Each command appends a line with the name of its attempt to a file before it does anything else.
"""

from __future__ import annotations

import random
import threading
import urllib.error
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.acceptance.local_cloud import LocalCloud
from tests.support.waiting import eventually
from tests.workers.process import WorkerProcess
from tests.workers.proxy import DroppingProxy

T = TypeVar("T")

QUEUE = "force"
ACTIVE_RUNS = 4
PARALLELISM = 3
SILENCE = "4"

DAG = """
name: Force
max_active_runs: 8
default_args: {{retries: 50, retry_delay: 0s}}
env:
  STARTS: {starts}
tasks:
  - id: first
    command: echo "$RUN_ID $TASK_ID $TRY_NUMBER" >> "$STARTS"
  - id: long
    queue: force
    dependencies: first
    command: echo "$RUN_ID $TASK_ID $TRY_NUMBER" >> "$STARTS"; sleep 1
  - id: short
    queue: force
    dependencies: first
    command: echo "$RUN_ID $TASK_ID $TRY_NUMBER" >> "$STARTS"
  - id: loud
    queue: force
    dependencies: [long, short]
    command: |
      echo "$RUN_ID $TASK_ID $TRY_NUMBER" >> "$STARTS"
      seq 20000; sleep 0.3
  - id: last
    dependencies: loud
    command: echo "$RUN_ID $TASK_ID $TRY_NUMBER" >> "$STARTS"
"""


@dataclass
class Report:
    """What was done, and what came of it. `twice` are attempts that were started more than once."""

    seed: int
    actions: Counter[str] = field(default_factory=Counter)
    runs: dict[str, str] = field(default_factory=dict)
    starts: int = 0
    attempts: int = 0
    twice: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        ended = {"success", "failed", "cancelled"}
        return not self.twice and bool(self.runs) and set(self.runs.values()) <= ended

    def __str__(self) -> str:
        states = Counter(self.runs.values())
        return (
            f"seed {self.seed}: {dict(self.actions)}; {len(self.runs)} runs ended: {dict(states)};"
            f" {self.starts} starts of {self.attempts} attempts; started twice: {self.twice}"
        )


class Force:
    """Everything that is killed and cut, in `folder`."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.report = Report(seed)
        self._random = random.Random(seed)
        self._starts = folder / "starts.txt"
        self._cloud = LocalCloud(folder)
        self._cloud.settings["ORCHESTRATOR_SILENCE_SECONDS"] = SILENCE
        (self._cloud.dags_dir / "force.yaml").write_text(DAG.format(starts=self._starts))
        self._proxy = DroppingProxy(self._cloud.s3_port)
        self._workers = [
            WorkerProcess(
                QUEUE,
                f"http://127.0.0.1:{self._proxy.port}",
                folder / f"worker{number}.txt",
                PARALLELISM,
                ORCHESTRATOR_HEARTBEAT_SECONDS="0.5",
            )
            for number in range(2)
        ]
        self._process = self._cloud.launch()

    def run(self, is_over: Callable[[int], bool]) -> Report:
        """Use force until `is_over`, which is asked with the number of actions so far; then let
        everything end."""
        with ExitStack() as stack:
            stack.callback(self._end)
            eventually(self._serves)
            for worker in self._workers:
                worker.start()
            self._rage(is_over)
            eventually(self._all_ended)
            self._collect()
        return self.report

    def _rage(self, is_over: Callable[[int], bool]) -> None:
        pause = threading.Event()
        actions = [self._kill_a_worker, self._cut_the_network, self._kill_the_cloud]
        while not is_over(self.report.actions.total()):
            self._keep_runs_coming()
            pause.wait(self._random.uniform(0.3, 1.5))
            action = self._random.choices(actions, weights=[4, 4, 1])[0]
            self.report.actions[action.__name__.strip("_").replace("_", " ")] += 1
            action()

    def _keep_runs_coming(self) -> None:
        self._refresh()
        active = sum(state in ("queued", "running") for state in self.report.runs.values())
        for _ in range(ACTIVE_RUNS - active):
            run_id = self._insist(lambda: self._cloud.run("force"))
            self.report.runs[run_id] = "queued"

    def _kill_a_worker(self) -> None:
        worker = self._random.choice(self._workers)
        worker.kill()
        worker.start()

    def _kill_the_cloud(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process = self._cloud.launch()
        eventually(self._serves)

    def _cut_the_network(self) -> None:
        self._proxy.cut()
        threading.Event().wait(self._random.uniform(0.2, 3.0))
        self._proxy.mend()

    def _all_ended(self) -> bool:
        self._refresh()
        return not any(state in ("queued", "running") for state in self.report.runs.values())

    def _refresh(self) -> None:
        for run_id, state in self.report.runs.items():
            if state in ("queued", "running"):
                self.report.runs[run_id] = self._insist(partial(self._cloud.state, run_id))

    def _insist(self, ask: Callable[[], T]) -> T:
        answers: list[Any] = []

        def asked() -> bool:
            try:
                answers.append(ask())
            except (urllib.error.URLError, ConnectionError):
                return False
            return True

        eventually(asked)
        answer: T = answers[-1]
        return answer

    def _serves(self) -> bool:
        assert self._process.poll() is None, self._cloud.said()
        try:
            return self._cloud.dag_ids() == ["force"]
        except (urllib.error.URLError, ConnectionError):
            return False

    def _collect(self) -> None:
        lines = Counter(self._starts.read_text().splitlines())
        self.report.starts, self.report.attempts = lines.total(), len(lines)
        self.report.twice = sorted(line for line, count in lines.items() if count > 1)

    def _end(self) -> None:
        self._proxy.close()
        for worker in self._workers:
            worker.kill()
        self._process.kill()
        self._process.wait()
