"""Who gets a slot when many wait: whom a limit holds back is in nobody's way, and costs little."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.database import Transaction
from chalicelib.database.queries import task_slots
from chalicelib.messages import decode_task
from chalicelib.scheduler.commands import pools
from chalicelib.scheduler.dispatch import FIRST_PAGE_SIZE, PAGE_SIZE
from tests.support.world import SUCCEED, Played, World

MakeWorld = Callable[..., World]

MANY = FIRST_PAGE_SIZE + PAGE_SIZE + 10


def crowd(dag_id: str, **of_the_dag: int) -> str:
    """A DAG of more copies than are looked at in two pages, all in the pool `db`."""
    limits_of_it = "".join(f"{name}: {value}\n" for name, value in of_the_dag.items())
    items = json.dumps(list(range(MANY)))
    many = f"  - {{id: many, command: x, pool: db, priority_weight: 9, expand: {{A: {items}}}}}\n"
    return f"name: {dag_id}\n{limits_of_it}tasks:\n{many}"


def begun(world: World) -> list[str]:
    tasks = [decode_task(body) for body in world.tasks.bodies()]
    return [f"{t.attempt.dag_id}.{t.attempt.task_id}" for t in tasks if hasattr(t, "attempt")]


def test_a_full_pool_is_in_the_way_of_nobody_who_needs_none_of_it(make_world: MakeWorld) -> None:
    world = make_world()
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    world.upload(crowd("d", max_active_tasks=100) + "  - {id: free, command: x}\n")
    world.request("d")
    world.apply()
    assert sorted(begun(world)) == ["d.free", "d.many"]


def test_a_full_dag_is_in_the_way_of_no_other_in_the_same_pool(make_world: MakeWorld) -> None:
    world = make_world()
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    world.upload(crowd("d", max_active_tasks=1))
    world.upload("name: E\ntasks: [{id: t, command: x, pool: db}]", "e.yaml")
    world.request("d")
    world.request("e")
    assert begun(world) == ["d.many"]
    pools.put_pool(world.scheduler, "db", 5, who="ann")
    assert begun(world) == ["d.many", "e.t"]


def test_whom_a_full_pool_holds_back_is_not_looked_at_again_and_again(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(lambda m: Played(seconds=50) if m.env.get("A") == "0" else SUCCEED)
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    world.upload(crowd("d", max_active_tasks=100))
    world.request("d")
    world.settle()
    looked_at: list[int] = []
    read = Transaction.all

    def counting(tx: Transaction, sql: str, params: Any = ()) -> Any:
        rows = read(tx, sql, params)
        if sql in (task_slots.READY_IN_DAG, task_slots.READY_IN_POOL):
            looked_at.append(len(rows))
        return rows

    monkeypatch.setattr(Transaction, "all", counting)
    pools.put_pool(world.scheduler, "db", 1, "for one at a time", who="ann")
    world.tick()
    assert sum(looked_at) <= FIRST_PAGE_SIZE


@pytest.mark.parametrize("sql", [task_slots.READY_IN_DAG, task_slots.READY_IN_POOL])
def test_the_line_of_those_who_wait_is_read_from_an_index_and_not_sorted(
    make_world: MakeWorld, sql: str
) -> None:
    params = {"of": "d", "priority": 1, "key": 1, "full_dags": "[]", "full_pools": "[]", "limit": 9}
    with make_world().database.read() as tx:
        steps = [str(tuple(row)[3]) for row in tx.all("EXPLAIN QUERY PLAN " + sql, params)]
    assert any("state=? AND priority<?" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps
