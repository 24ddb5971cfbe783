"""A scheduler on one host, with queues in memory, which does as it is told on its standard input
and answers a line.

prepare          register 100 DAGs of five tasks
idle_tick        a tick with nothing due
due_tick         a tick with 100 DAGs due
catch_up         create runs until there are messages enough for a hundred results
one_result       apply the result of a task that others depend on
hundred_results  apply a hundred of them at once
list_request     read a page of runs
run_request      create a run
touch            write a row, so that what other hosts have read is stale
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from chalicelib.database import Database
from chalicelib.database.queries import housekeeping
from chalicelib.database.reads import runs
from chalicelib.enums import Outcome
from chalicelib.errors import Unavailable
from chalicelib.messages import Result, TaskMessage
from chalicelib.scheduler import registration, results
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.scheduler.tick import tick
from chalicelib.simulation.system import SimulatedSystem
from tests.bench.dag_files import five

DAGS = 100
SETTINGS = {"reconcile_seconds": "86400"}
"""Within a day no tick but the first compares the bucket."""


class SchedulerAgent:
    """The commands above."""

    def __init__(self, folder: Path) -> None:
        self._system = SimulatedSystem(folder, database=Database, settings=SETTINGS)
        self._queued: deque[str] = deque()

    def prepare(self) -> str:
        for number in range(DAGS):
            text = five(f"dag_{number}", schedule="0 * * * *")
            self._system.dags.put(f"dag_{number}.yaml", text.encode())
        registered = registration.reconcile(self._system.scheduler)
        tick(self._system.scheduler)
        return f"{registered} registered"

    def idle_tick(self) -> str:
        return f"created {tick(self._system.scheduler).counts.get('runs_created', 0)}"

    def due_tick(self) -> str:
        clock = self._system.clock
        clock.moment = (clock() + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        created = tick(self._system.scheduler).counts.get("runs_created", 0)
        return f"created {created}"

    def catch_up(self) -> str:
        self._take_messages()
        for number in range(DAGS - len(self._queued)):
            run_commands.trigger_run(self._system.scheduler, f"dag_{number}", who="ann")
        self._take_messages()
        return f"{len(self._queued)} messages"

    def _take_messages(self) -> None:
        while batch := self._system.tasks.receive(10):
            self._system.tasks.delete(batch)
            self._queued.extend(message.body for message in batch)

    def one_result(self) -> str:
        return self._results(1)

    def hundred_results(self) -> str:
        return self._results(DAGS)

    def _results(self, count: int) -> str:
        at = self._system.clock().timestamp()
        bodies = [
            Result(
                TaskMessage.decode(self._queued.popleft()).attempt,
                Outcome.SUCCESS,
                started_at=at,
                ended_at=at,
                exit_code=0,
            ).encode()
            for _ in range(min(count, len(self._queued)))
        ]
        return f"applied {results.apply(self._system.scheduler, bodies).reports}"

    def list_request(self) -> str:
        with self._system.database.read() as tx:
            return f"{len(runs.list_runs(tx, limit=50).items)} runs"

    def run_request(self) -> str:
        return run_commands.trigger_run(self._system.scheduler, "dag_0", who="ann")[0]

    def touch(self) -> str:
        with self._system.database.write() as tx:
            housekeeping.set_text(tx, "touched", tx.batch_id)
        return "touched"


def answer(command: Callable[[], str]) -> str:
    """What it says, or why it could not be done: an emulated processor may take too long."""
    try:
        return command()
    except Unavailable as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    agent = SchedulerAgent(Path(sys.argv[1]).parent)
    for line in sys.stdin:
        print(answer(getattr(agent, line.strip())), flush=True)
