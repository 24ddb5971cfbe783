"""Runs whose file changes: what the tests about that share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.messages import TaskMessage
from chalicelib.scheduler.clearing import Cleared
from chalicelib.scheduler.commands import runs
from tests.support.world import FAIL, SUCCEED, Played, World

MakeWorld = Callable[..., World]
Script = Callable[[TaskMessage], Played]


def dag(*tasks: str, head: str = "") -> str:
    return f"name: D\n{head}\ntasks:\n" + "".join(f"  - {{{task}}}\n" for task in tasks)


A = "id: a, command: a1"
B = "id: b, command: b1, dependencies: a"
C = "id: c, command: c1, dependencies: b"
B2 = "id: b, command: b2, dependencies: a"
NEW = "id: new, command: n1, dependencies: a"


def failing(*task_ids: str) -> Script:
    return lambda task: FAIL if task.attempt.task_id in task_ids else SUCCEED


def versions(world: World) -> list[tuple[Any, ...]]:
    """Return task, number and version of every ended attempt."""
    return world.all(
        "SELECT task_id, a.try_number, a.version FROM attempts a JOIN task_instances t"
        " ON t.id = a.task_instance_id ORDER BY t.id, a.try_number"
    )


def rows(world: World, run_id: str) -> dict[str, str]:
    """The state of each task of the run; of history in brackets."""
    found = world.all(
        "SELECT task_id, map_index, t.state, removed_at FROM task_instances t"
        " JOIN runs r ON r.id = t.run_key WHERE run_id = ? ORDER BY task_id, map_index",
        run_id,
    )
    return {
        task_id if index < 0 else f"{task_id}[{index}]": state if removed is None else f"({state})"
        for task_id, index, state, removed in found
    }


def commands(world: World) -> list[str]:
    return [task.command for _, task in world.executor.started]


def ran(world: World, text: str, script: Script = lambda _: SUCCEED) -> str:
    """A run of the file that has ended; answers its run_id."""
    world.executor.script = script
    world.upload(text)
    run_id = world.request("d")
    world.play(5, ticking=False)
    world.executor.script = failing()
    return run_id


def again(world: World, run_id: str, seconds: float = 5, **options: Any) -> Cleared:
    cleared = runs.clear(world.scheduler, run_id, **options, who="ann")
    world.play(seconds, ticking=False)
    return cleared
