"""What does not grow with the history: steps of SQLite for each operation on databases of any size.

`python -m tests.bench growth` takes up to 1,000,000 task instances and 100,000 DAGs;
`python -m tests.bench.growth DAGS RUNS_OF_EACH` prints one size, as large as the disk allows. Steps
are those of SQLite's virtual machine, so they say the same on every machine.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from chalicelib.database import Database
from chalicelib.database.backup.copy import copy
from chalicelib.enums import Outcome
from chalicelib.messages import Result, TaskMessage
from chalicelib.scheduler import results, retention
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.scheduler.tick import tick
from tests.bench.api import ROUTES, _client, _get
from tests.bench.big_database import NOW, Size, big_database, dag_id_of
from tests.bench.machine import milliseconds
from tests.bench.report import Line, Target
from tests.bench.tick import Bench
from tests.support.steps import Steps, counted

RESULTS = 100
MORE_TASKS = tuple(Size(100, runs, 0) for runs in (60, 200, 2_000))
MORE_DAGS = tuple(Size(dags, 50_000 // dags or 1, 0) for dags in (1_000, 10_000, 100_000))
QUICK_TASKS = tuple(Size(50, runs, 0) for runs in (60, 240))
QUICK_DAGS = tuple(Size(dags, 3_000 // dags, 0) for dags in (100, 1_000))
"""Large enough that the first page of every list is full."""
LINEAR = frozenset({"backup", "tick that compares the bucket"})
"""These read everything, by their nature, and are not judged."""
WINDOWED = ("search", "paused", "and state", "run_id", "tag", "overview", "failures", "failing")
"""Of lists with two filters, or a rare one, no page looks at more rows than `reads.window.WINDOW`:
they grow to that, and then no more. Neither does what shows open failures and latest runs grow
beyond a hundred failures and 120 runs of each DAG on the page."""
MOST_GROWTH = 2.0
"""For a hundred times as much: a tree of pages becomes one level deeper."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one operation."""

    steps: int
    ms: float


Costs = dict[str, Cost]


class Growth:
    """The operations, on one database."""

    def __init__(self, database: Database, steps: Steps, size: Size) -> None:
        self.database, self.steps, self.size = database, steps, size
        self.bench = Bench(database, size)
        self.costs: Costs = {}

    def measure(self) -> Costs:
        self._note("start-up", self._start_up)
        self._note_second("tick with nothing due", lambda: tick(self.bench.scheduler))
        self._routes()
        self._results()
        self._note("backup", self._backup)
        self.bench.forget_last_comparison()
        self._note("tick that compares the bucket", lambda: tick(self.bench.scheduler))
        self._retention()
        return self.costs

    def _note(self, name: str, action: Callable[[], object]) -> None:
        before = self.steps.count
        ms = milliseconds(action)
        self.costs[name] = Cost(self.steps.count - before, ms)

    def _note_second(self, name: str, action: Callable[[], object]) -> None:
        action()  # loads code, and compares the bucket
        self._note(name, action)

    def _start_up(self) -> None:
        self.database.close()
        self.database.create_if_missing()

    def _routes(self) -> None:
        client = _client(self.database)
        dice = random.Random(1)
        for name, pick in ROUTES.items():
            path = pick(dice, self.size)
            self._note_second(f"GET {name}", lambda path=path: _get(client, path))  # type: ignore[misc]

    def _results(self) -> None:
        """Start the first task of 100 DAGs, and report that each has succeeded."""
        scheduler = self.bench.scheduler
        dag_ids = itertools.islice(itertools.cycle(range(min(RESULTS, self.size.dags))), RESULTS)
        for number in dag_ids:
            action = lambda number=number: run_commands.trigger_run(  # noqa: E731
                scheduler, dag_id_of(number), who="ann"
            )
            self._note("POST a run", action)
        bodies = [_success(message) for message in _taken(scheduler.task_queues)]
        self._note("1 result", lambda: results.apply(scheduler, bodies[:1]))
        self._note(f"{RESULTS} results", lambda: results.apply(scheduler, bodies[1:]))

    def _backup(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy(self.database, Path(folder) / "copy.db")

    def _retention(self) -> None:
        """Remove as many runs as one transaction takes, when all are past their time."""
        self.bench.clock.moment = NOW + timedelta(days=91)
        rounds = itertools.count()
        removed: list[retention.Removal] = []
        action = lambda: removed.append(  # noqa: E731
            retention.remove_expired(self.bench.scheduler, 2.0, lambda: float(next(rounds)))
        )
        self._note("removal of expired runs", action)
        cost = self.costs["removal of expired runs"]
        count = max(1, removed[0].count)
        self.costs["removal of expired runs"] = Cost(cost.steps // count, cost.ms / count)


def _taken(queues: object) -> list[str]:
    (queue,) = {id(queue): queue for queue in queues.values()}.values()  # type: ignore[attr-defined]
    return [message.body for message in queue.receive(RESULTS)]


def _success(body: str) -> str:
    at = NOW.timestamp()
    attempt = TaskMessage.decode(body).attempt
    return Result(attempt, Outcome.SUCCESS, started_at=at, ended_at=at, exit_code=0).encode()


def measure(size: Size) -> Costs:
    """Measure every operation on a database of that size."""
    with big_database(size) as plain:
        plain.close()
        with counted(plain.path) as (database, steps):
            return Growth(database, steps, size).measure()


def growth(sizes: tuple[Size, ...]) -> tuple[dict[str, float], dict[str, Costs]]:
    """How many times as many steps each operation takes on the largest database as on the
    smallest, and the costs of each size."""
    costs = {_name(size): measure(size) for size in sizes}
    first, *_, last = costs.values()
    return {name: last[name].steps / max(1, first[name].steps) for name in first}, costs


def judged_of(ratios: dict[str, float]) -> dict[str, float]:
    """The operations that must not grow."""
    return {
        name: ratio
        for name, ratio in ratios.items()
        if name not in LINEAR and not any(word in name for word in WINDOWED)
    }


def _name(size: Size) -> str:
    return f"{size.dags} DAGs, {size.task_instances} task instances"


def run(is_quick: bool) -> list[Line]:
    return [
        _line("tasks", QUICK_TASKS if is_quick else MORE_TASKS),
        _line("dags", QUICK_DAGS if is_quick else MORE_DAGS),
    ]


def _line(of: str, sizes: tuple[Size, ...]) -> Line:
    ratios, costs = growth(sizes)
    judged = judged_of(ratios)
    worst = max(judged, key=lambda name: judged[name])
    return Line(
        name=f"growth_with_{of}",
        runs=1,
        figures={
            "growth": judged[worst],
            "grows_most": worst,
            "growth_of_each": ratios,
            "costs": {
                name: {op: [cost.steps, cost.ms] for op, cost in of_size.items()}
                for name, of_size in costs.items()
            },
        },
        targets=[Target("growth", "at most", MOST_GROWTH)],
        note="steps of SQLite's virtual machine on the largest of these databases, as a multiple"
        " of those on the smallest; costs are [steps, milliseconds]; backup and the comparison"
        " with the bucket read everything, and are not judged",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    with _quiet():
        found = measure(Size(int(sys.argv[1]), int(sys.argv[2]), 0))
    print(json.dumps({name: [cost.steps, round(cost.ms, 2)] for name, cost in found.items()}))
