"""Who waits longest is served first, in every process: no order depends on how Python happens to
hash a name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.database.queries import stop_requests, task_slots
from chalicelib.messages import Attempt, decode_task
from chalicelib.scheduler.clock import MAX_DAGS_RECHECKED
from chalicelib.scheduler.commands import pools
from tests.support.served_order import ASKED
from tests.support.world import World

MakeWorld = Callable[..., World]


def served(folder: Path, seed: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.served_order", str(folder)]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=Path(__file__).parents[3],
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_order_of_service_is_the_same_in_every_process(tmp_path: Path) -> None:
    first, *others = [served(tmp_path / seed, seed) for seed in ("0", "1", "7", "4242")]
    assert first["first"] == ASKED
    assert len(first["started"]) > len(ASKED)
    for other in others:
        assert other == first


@pytest.mark.parametrize("weights", [(1, 1), (1, 5)])
def test_of_a_pool_the_oldest_goes_first_whatever_its_dag_is_called(
    make_world: MakeWorld, weights: tuple[int, int]
) -> None:
    world = make_world()
    pools.put_pool(world.scheduler, "p", 0, who="ann")
    for name, weight in zip("za", weights, strict=True):
        task = f"{{id: t, command: x, pool: p, priority_weight: {weight}}}"
        world.upload(f"name: {name}\ntasks: [{task}]", f"{name}.yaml")
        world.request(name)
    for slots in (1, 2):
        pools.put_pool(world.scheduler, "p", slots, who="ann")
    begun = [decode_task(body) for body in world.tasks.bodies()]
    order = [task.attempt.dag_id for task in begun if hasattr(task, "attempt")]
    assert order == (["z", "a"] if weights == (1, 1) else ["a", "z"])


def test_where_many_dags_wait_the_tick_looks_at_all_in_turn(make_world: MakeWorld) -> None:
    world = make_world()
    pools.put_pool(world.scheduler, "none", 0, who="ann")
    world.upload("name: D\ntasks: [{id: t, command: x, pool: none}]")
    world.request("d")
    names = [f"d{number:03}" for number in range(MAX_DAGS_RECHECKED + 10)]
    with world.database.write() as tx:
        for name in names:
            tx.execute(
                "INSERT INTO task_instances (run_key, dag_id, task_id, state)"
                " SELECT id, ?1, ?1, 'scheduled' FROM runs",
                (name,),
            )
    looked_at: list[str] = []
    for _ in range(2):
        with world.database.read() as tx:
            row = tx.one("SELECT value FROM metadata WHERE name = 'rechecked_up_to'")
            after = str(row["value"]) if row else ""
            looked_at += task_slots.dags_with_ready_tasks(tx, after, MAX_DAGS_RECHECKED)
        world.tick()
    assert set(looked_at) == {"d", *names}


def test_of_attempts_to_be_stopped_those_asked_longest_ago_come_first(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    attempts = [Attempt("d", "r", name, -1, 1) for name in ("z", "a")]
    with world.database.write() as tx:
        for attempt in attempts:
            stop_requests.insert(tx, attempt, world.clock())
            world.clock.advance(1)
        assert [stop_requests.attempt_of(name) for name in stop_requests.pending(tx, 9)] == attempts
        stop_requests.asked_again(tx, attempts[0], world.clock())
        assert [
            stop_requests.attempt_of(name) for name in stop_requests.pending(tx, 1)
        ] == attempts[1:]
