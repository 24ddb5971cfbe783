"""A task with 10,000 copies: from the result that says so to the last message, and its memory.

The scheduler works on a real file, with queues in memory. Each measurement has a process of its
own, because a process never tells how much less memory it could have done with.
"""

from __future__ import annotations

import json
import logging
import math
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from chalicelib.enums import Outcome
from chalicelib.messages import Attempt, Result, TaskMessage
from chalicelib.scheduler import results
from tests.bench.machine import ROOT, Cost, measured
from tests.bench.report import Line, Target
from tests.support.world import World

COPIES = 10_000
QUICK_COPIES = 2_000

_HEAD = """
name: Wide
max_active_tasks: 10000
tasks:
  - {id: make, command: "true", outputs: [files]}
  - id: each
    command: 'echo "$FILE$PART"'
    dependencies: make
"""
_SHAPES = {
    "output": '    expand: {FILE: "{{ outputs.make.files }}"}\n',
    "combinations": "    expand: {FILE: %s, PART: %s}\n",
}
"""Over an earlier task's output, near its limit of 32 KiB; and over two lists in the file."""


def run(is_quick: bool) -> Line:
    runs, copies = (1, QUICK_COPIES) if is_quick else (3, COPIES)
    figures: dict[str, float] = {}
    for shape in _SHAPES:
        found = [_in_a_process(shape, copies) for _ in range(runs)]
        for name in found[0]:
            figures[f"{shape}_{name}"] = statistics.median(one[name] for one in found)
    return Line(
        name="expand",
        runs=runs,
        figures=figures,
        targets=[
            Target(f"{shape}_{figure}", "at most", limit)
            for shape in _SHAPES
            for figure, limit in (("planned_and_dispatched_s", 5), ("planner_mb", 200))
        ],
        note=f"{copies} copies of one task, all of them let in at once; queues in memory",
    )


def _in_a_process(shape: str, copies: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.expand", shape, str(copies)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _measure(shape: str, copies: int) -> dict[str, float]:
    side = list(range(math.isqrt(copies)))
    text = _SHAPES[shape]
    world_dag = _HEAD + (text % (side, side) if "%s" in text else text)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            world.upload(world_dag)
            world.request("wide")
            if "%s" in text:
                return _expand(world, len(side) ** 2, files=[])
            return _expand(world, copies, files=[number % 10 for number in range(copies)])
        finally:
            world.close()


def _expand(world: World, copies: int, files: list[int]) -> dict[str, float]:
    """Expand: from the result of the task before to the last copy's message."""
    before, (first,) = _peak_mb(), _taken(world)
    total, longest, calls, ended, sent = Cost(), 0.0, 0, 0, 0
    bodies = [_success(world, first, files=files)]
    while sent < copies:
        with measured() as cost:
            results.apply(world.scheduler, bodies)
        total, longest, calls = total + cost, max(longest, cost.wall), calls + 1
        begun = _taken(world)
        sent += len(begun)
        bodies = _wakes(world)
        if not bodies:  # what was not sent at once is sent when a copy ends
            bodies, ended = [_success(world, begun[0])], ended + 1
    return {
        "planned_and_dispatched_s": total.wall,
        "processor_s": total.own,
        "longest_transaction_s": longest,
        "transactions": calls,
        "copies_that_ended_meanwhile": ended,
        "planner_mb": _peak_mb(),
        "before_mb": before,
    }


def _taken(world: World) -> list[Attempt]:
    """The attempts whose messages lie in the queue, which is emptied."""
    found: list[Attempt] = []
    while batch := world.tasks.receive(10):
        world.tasks.delete(batch)
        found += [TaskMessage.decode(message.body).attempt for message in batch]
    return found


def _success(world: World, attempt: Attempt, **outputs: Any) -> str:
    at = world.clock().timestamp()
    result = Result(
        attempt, Outcome.SUCCESS, started_at=at, ended_at=at, exit_code=0, outputs=outputs
    )
    return result.encode()


def _wakes(world: World) -> list[str]:
    batch = world.results.receive()
    world.results.delete(batch)
    return [message.body for message in batch]


def _peak_mb() -> float:
    """The most memory that this process ever had (Linux tells it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1_000_000


if __name__ == "__main__":
    logging.getLogger("orchestrator").setLevel(logging.CRITICAL)
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))))
