"""`orchestrator simulate` against the local cloud: ten DAGs, one of which triggers another, run for
real, and the simulation of the same files over the same period says the same.

What is compared are causes, which no slow machine changes: which runs there are, what began after
what had ended, and what waited for a limit until its holder had ended. `catchup` makes up for fire
times that a busy machine is late for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from chalicelib.cli.commands.simulate import forecast
from chalicelib.cli.forecast.history import History
from chalicelib.database import Database
from chalicelib.database.reads import history as reads
from chalicelib.database.reads.history import PastRun, PastTask
from tests.acceptance.local_cloud import LocalCloud
from tests.support.waiting import eventually

INTERVAL, FIRES = (60, 10) if os.environ.get("TEN_MINUTES") else (3, 3)
"""Seconds between two fire times of most DAGs, and how many there are of them."""
BRIEF = 0.2
HOLDS = 0.8
"""Seconds of a command, and of one that others wait for."""
AHEAD = timedelta(seconds=4)
POOL = "one_slot"


@dataclass(frozen=True)
class Work:
    """A DAG file; the seconds that its commands take, by task."""

    text: str
    seconds: dict[str, float]


def command(work: float, *, output: str = "") -> str:
    return f"command: 'sleep {work}{output}'"


def chain(*tasks: str, work: float = BRIEF) -> str:
    rows = [
        f"  - {{id: {task}, {command(work)}, dependencies: [{', '.join(tasks[:number][-1:])}]}}"
        for number, task in enumerate(tasks)
    ]
    return "\n".join(["tasks:", *rows])


def siblings(work: float, extra: str = "") -> str:
    """Three tasks that could begin together; their weights say which goes first."""
    rows = [
        f"  - {{id: {task}, {command(work)}, priority_weight: {weight}{extra}}}"
        for task, weight in (("c", 1), ("a", 9), ("b", 5))
    ]
    return "\n".join(["tasks:", *rows])


ITEMS = """; echo "names=[\\"a\\", \\"b\\", \\"c\\"]" >> $DAG_OUTPUT"""
LASTS = INTERVAL * FIRES + 2.0
"""Seconds that are longer than all fire times together."""


def ten_dags() -> dict[str, Work]:
    """Return ten DAGs by dag_id; all fire every INTERVAL seconds, or as they say."""
    half, whole, twice = (
        f"schedule: '@every {n}s'\n" for n in (INTERVAL // 2, INTERVAL, INTERVAL * 2)
    )
    longer = INTERVAL * 1.25
    brief = dict.fromkeys(("a", "b", "c", "d", "e"), BRIEF)
    holds = dict.fromkeys(("a", "b", "c"), HOLDS)
    diamond = "tasks:\n" + "\n".join(
        f"  - {{id: {task}, {command(BRIEF)}, dependencies: [{up}]}}"
        for task, up in (("a", ""), ("b", "a"), ("c", "a"), ("d", "b, c"))
    )
    mapped = f"""tasks:
  - {{id: a, {command(BRIEF, output=ITEMS)}, outputs: [names]}}
  - {{id: b, {command(BRIEF)}, dependencies: a, expand: {{NAME: "{{{{ outputs.a.names }}}}"}}}}
  - {{id: c, {command(BRIEF)}, dependencies: b}}"""
    trigger = f"""tasks:
  - {{id: a, {command(BRIEF)}}}
  - {{id: b, dependencies: a, trigger_dag_id: triggered, wait_for_completion: true}}
  - {{id: c, {command(BRIEF)}, dependencies: b}}"""
    return {
        "often": Work(f"{half}{chain('a')}", brief),
        "seldom": Work(f"{twice}{chain('a', 'b')}", brief),
        "chain": Work(f"{whole}{chain('a', 'b', 'c', 'd', 'e')}", brief),
        "diamond": Work(f"{whole}{diamond}", brief),
        "queues": Work(f"{whole}max_active_runs: 1\n{chain('a', work=longer)}", {"a": longer}),
        "skips": Work(
            f"{whole}max_active_runs: 1\noverlap_policy: skip\n{chain('a', work=LASTS)}",
            {"a": LASTS},
        ),
        "narrow": Work(f"{whole}max_active_tasks: 1\n{siblings(HOLDS)}", holds),
        "pooled": Work(f"{whole}{siblings(HOLDS, f', pool: {POOL}')}", holds),
        "mapped": Work(f"{whole}{mapped}", brief),
        "triggers": Work(f"{whole}{trigger}", brief),
        "triggered": Work(chain("a", "b"), brief),
    }


@dataclass(frozen=True)
class Facts:
    """What is the same however fast the machine is. Runs are named by DAG and logical date, those
    that a task asked for by DAG and number, tasks by id and map index."""

    runs: frozenset[tuple[str, str, str]]
    tasks: frozenset[tuple[object, ...]]
    orders: frozenset[tuple[object, ...]]
    run_waits: frozenset[tuple[object, ...]]
    task_waits: frozenset[tuple[object, ...]]


def facts(runs: list[PastRun], tasks: list[PastTask]) -> Facts:
    names = dict(_names(runs))
    by_run: dict[int, list[PastTask]] = {run.key: [] for run in runs}
    for task in tasks:
        by_run[task.run_key].append(task)
    return Facts(
        runs=frozenset((*names[run.key], str(run.state)) for run in runs),
        tasks=frozenset(
            (names[task.run_key], task.task_id, task.map_index, str(task.state)) for task in tasks
        ),
        orders=frozenset(
            (names[key], *pair) for key, of_run in by_run.items() for pair in _orders(of_run)
        ),
        run_waits=frozenset(names[run.key] for run in runs if _waited(run, runs)),
        task_waits=frozenset(
            (names[key], *wait) for key, of_run in by_run.items() for wait in _task_waits(of_run)
        ),
    )


def _names(runs: list[PastRun]) -> Iterator[tuple[int, tuple[str, str]]]:
    triggered = 0
    for run in runs:
        if run.run_type == "scheduled":
            yield run.key, (run.dag_id, run.logical_date.isoformat())
        else:
            triggered += 1
            yield run.key, (run.dag_id, f"number {triggered}")


def _orders(tasks: list[PastTask]) -> Iterator[tuple[str, int, str, int]]:
    """The pairs of a run's tasks of which the second began after the first had ended."""
    for first in tasks:
        for second in tasks:
            if first.ended_at and second.started_at and first.ended_at <= second.started_at:
                yield first.task_id, first.map_index, second.task_id, second.map_index


def _waited(run: PastRun, runs: list[PastRun]) -> bool:
    """Whether the run was due before another of its DAG ended, and began after it: where only one
    may be active. Elsewhere that says no more than that the machine was busy."""
    return run.dag_id == "queues" and any(
        other.ended_at is not None
        and run.admitted_at is not None
        and run.logical_date < other.ended_at <= run.admitted_at
        for other in runs
        if other.dag_id == run.dag_id and other.key != run.key
    )


def _task_waits(tasks: list[PastTask]) -> Iterator[tuple[str, str, str]]:
    """The tasks without dependencies that began after another had given back what it held: the
    waiting one, its limit, and the holder."""
    limits = {"narrow": "max_active_tasks", "pooled": f"pool {POOL}"}
    for first in tasks:
        for second in tasks:
            limit = limits.get(second.dag_id)
            if limit and first.ended_at and second.queued_at and first.ended_at <= second.queued_at:
                yield second.task_id, limit, first.task_id


def write_files(folder: Path, starts: datetime) -> list[Path]:
    ends = starts + timedelta(seconds=INTERVAL * FIRES - 1)
    head = f"start_date: {starts.isoformat()}\nend_date: {ends.isoformat()}\ncatchup: true\n"
    folder.mkdir()
    paths = []
    for dag_id, work in ten_dags().items():
        path = folder / f"{dag_id}.yaml"
        path.write_text(f"name: {dag_id}\n{head if 'schedule' in work.text else ''}{work.text}\n")
        paths.append(path)
    return paths


def simulate(folder: Path, paths: list[Path], starts: datetime) -> History:
    seconds = folder / "durations.json"
    works = ten_dags()
    seconds.write_text(
        json.dumps({f"{d}.{t}": n for d, work in works.items() for t, n in work.seconds.items()})
    )
    ends = starts + 2 * timedelta(seconds=LASTS)
    return forecast(tuple(paths), starts - AHEAD, ends, str(seconds), {POOL: 1})


def has_ended(database: Database, run: tuple[str, str]) -> bool:
    """Whether the local cloud has made the run and finished it."""
    with database.read() as tx:
        runs = reads.all_runs(tx)
    names = dict(_names(runs))
    return any(names[row.key] == run and row.ended_at is not None for row in runs)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Facts, Facts]:
    """The facts of the local cloud, and those of the simulation."""
    folder = tmp_path_factory.mktemp("simulation")
    cloud = LocalCloud(folder / "cloud")
    with cloud.running():
        cloud.call("PUT", f"/pools/{POOL}", {"slots": 1})
        starts = datetime.now(UTC).replace(microsecond=0) + AHEAD
        paths = write_files(folder / "dags", starts)
        for path in paths:
            cloud.upload(path.name, path.read_text())
        simulated = simulate(folder, paths, starts)
        database = Database(cloud.home / "database" / "orchestrator.db")
        try:
            _wait_for_all(database, list(simulated.runs))
            with database.read() as tx:
                real = facts(reads.all_runs(tx), reads.all_tasks(tx))
        finally:
            database.close()
    return real, facts(list(simulated.runs), list(simulated.tasks))


def _wait_for_all(database: Database, simulated: list[PastRun]) -> None:
    # In the order of their ends, so that no single wait lasts longer than an interval.
    names = dict(_names(simulated))
    for run in sorted(simulated, key=lambda run: run.ended_at or run.created_at):
        eventually(partial(has_ended, database, names[run.key]))


def test_the_same_runs_are_made_and_end_alike(both: tuple[Facts, Facts]) -> None:
    real, simulated = both

    assert real.runs == simulated.runs
    assert len({dag_id for dag_id, *_ in real.runs}) == len(ten_dags())


def test_the_same_tasks_end_alike(both: tuple[Facts, Facts]) -> None:
    real, simulated = both

    assert real.tasks == simulated.tasks


def test_what_begins_after_another_task_of_its_run_is_the_same(both: tuple[Facts, Facts]) -> None:
    real, simulated = both

    assert simulated.orders
    assert simulated.orders <= real.orders  # tasks that may begin together may begin in turn, too


def test_the_same_runs_and_tasks_wait_for_the_same_limits(both: tuple[Facts, Facts]) -> None:
    real, simulated = both

    assert len(simulated.run_waits) == FIRES - 1
    assert len(simulated.task_waits) == 2 * 3 * FIRES
    assert (real.run_waits, real.task_waits) == (simulated.run_waits, simulated.task_waits)
