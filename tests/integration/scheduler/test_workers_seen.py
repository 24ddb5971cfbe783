"""What the scheduler knows of workers, and says of tasks that wait for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.database.queries import workers
from chalicelib.database.reads.workers import list_workers
from chalicelib.enums import WaitingCode
from chalicelib.messages import WorkerSeen
from chalicelib.scheduler import results
from chalicelib.scheduler.wait_reasons import WORKER_SILENCE, Explainer
from tests.support.world import World

MakeWorld = Callable[..., World]

DAG = """
name: Far
tasks:
  - id: work
    queue: gpu
    command: "true"
"""


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(worker_queues="gpu,cpu")
    world.upload(DAG)
    return world


def report(world: World, name: str = "host/1", *, ago: float = 0.0, **more: object) -> None:
    at = world.clock().timestamp() - ago
    seen = WorkerSeen(name, "gpu", 2, 1, at - 60, at, **more)  # type: ignore[arg-type]
    assert results.apply(world.scheduler, [seen.encode()]).set_aside == 0


def reason_of(world: World, run_id: str) -> tuple[str, str]:
    name = (run_id, "work", -1)
    with world.database.read() as tx:
        (reason,) = Explainer(world.scheduler, tx).tasks([name])[name]
    return reason.code, reason.message


def known(world: World) -> list[tuple[str, bool]]:
    with world.database.read() as tx:
        found = list_workers(tx, world.clock() - WORKER_SILENCE)
    return [(worker.name, worker.is_alive) for worker in found]


def test_a_task_whose_queue_has_no_worker_says_so(world: World) -> None:
    run_id = world.request("far")
    code, message = reason_of(world, run_id)
    assert code == WaitingCode.WORKER
    assert message.startswith("waits for a worker of queue gpu: none has been seen in the last 3 m")
    assert "python -m chalicelib.worker --queue gpu" in message


def test_with_a_worker_it_waits_for_an_executor_until_that_is_silent_or_leaves(
    world: World,
) -> None:
    run_id = world.request("far")
    report(world)
    assert reason_of(world, run_id)[0] == WaitingCode.EXECUTOR
    world.clock.advance(WORKER_SILENCE.total_seconds() + 1)
    assert reason_of(world, run_id)[0] == WaitingCode.WORKER
    report(world)
    report(world, ago=-1, is_leaving=True)
    assert reason_of(world, run_id)[0] == WaitingCode.WORKER


def test_workers_are_listed_until_they_leave_or_a_day_has_passed(world: World) -> None:
    report(world, "host/1")
    world.clock.advance(WORKER_SILENCE.total_seconds() + 1)
    report(world, "host/2")
    assert known(world) == [("host/2", True), ("host/1", False)]
    report(world, "host/2", ago=-1, is_leaving=True)
    assert known(world) == [("host/1", False)]
    world.clock.advance(timedelta(days=1).total_seconds())
    report(world, "host/3")
    assert known(world) == [("host/3", True)]


def test_a_report_that_was_overtaken_changes_nothing(world: World) -> None:
    report(world, is_leaving=True)
    report(world, ago=5)
    assert known(world) == []


def test_the_table_of_workers_stays_short(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MAX_WORKERS", 3)
    for number in range(5):
        world.clock.advance(1)
        report(world, f"host/{number}")
    assert [name for name, _ in known(world)] == ["host/4", "host/3", "host/2"]
