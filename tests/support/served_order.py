"""Prints in which order tasks begin, runs are admitted and messages leave where many DAGs compete
for one pool, as JSON: `python -m tests.support.served_order FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from chalicelib.messages import decode_task
from chalicelib.scheduler.commands import backfills, pools
from tests.support.world import FAIL, SUCCEED, World

ASKED = ["mango", "apple", "zebra", "kiwi", "banana", "xylo", "delta", "omega", "beta", "quince"]
"""DAGs, in the order in which their runs are asked for."""


def dag(name: str) -> str:
    return (
        f"name: {name}\nmax_active_runs: 1\nschedule: '* * * * *'\n"
        "on_success: [{command: tell}]\n"
        "tasks: [{id: t, command: x, pool: shared, retries: 1, retry_delay: 1}]"
    )


def served(folder: Path) -> dict[str, list[str]]:
    """What happened, in order."""
    world = World(folder, lambda task: FAIL if task.attempt.dag_id == "kiwi" else SUCCEED)
    pools.put_pool(world.scheduler, "shared", 0, who="ann")
    for name in sorted(ASKED):
        world.upload(dag(name), f"{name}.yaml")
    for name in ASKED:
        world.request(name)
    for slots in range(1, len(ASKED) + 1):
        pools.put_pool(world.scheduler, "shared", slots, who="ann")
    begun = [decode_task(body) for body in world.tasks.bodies()]
    first = [task.attempt.dag_id for task in begun if hasattr(task, "attempt")]
    pools.put_pool(world.scheduler, "shared", 2, who="ann")
    now = world.clock()
    for name in reversed(ASKED):
        backfills.create(world.scheduler, name, who="a", from_date=now.replace(hour=9), to_date=now)
    world.play(400)
    started = [f"{at:%H:%M:%S} {task.attempt.dag_id}" for at, task in world.executor.started]
    told = [
        f"{notice.payload['dag_id']} {notice.payload['at']}" for notice in world.executor.notified
    ]
    admitted = world.all("SELECT dag_id, admitted_at FROM runs ORDER BY admitted_at, id")
    return {
        "first": first,
        "started": started,
        "told": told,
        "admitted": [f"{dag_id} {at}" for dag_id, at in admitted],
    }


if __name__ == "__main__":
    json.dump(served(Path(sys.argv[1])), sys.stdout)
