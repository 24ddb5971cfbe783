"""10,000 new files of the dags bucket become DAGs: what one takes of the processor, and commits."""

from __future__ import annotations

import tempfile
from pathlib import Path

from chalicelib.scheduler import registration
from tests.bench.dag_files import five
from tests.bench.machine import measured
from tests.bench.report import Line, Target
from tests.support.world import World


def run(is_quick: bool) -> Line:
    count = 500 if is_quick else 10_000
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        keys = [f"dag_{number:05d}.yaml" for number in range(count)]
        for key in keys:
            text = five(key.removesuffix(".yaml"), schedule="0 3 * * *")
            world.dags.put(key, text.encode())
        before = _commits(world)
        with measured() as cost:
            registered = registration.register(world.scheduler, keys)
        commits = _commits(world) - before
        world.close()
    if registered != count:
        raise RuntimeError(f"{registered} of {count} files were registered")
    return Line(
        name="register",
        runs=1,
        figures={
            "processor_ms_per_file": cost.own * 1000 / count,
            "files_per_s": count / cost.wall,
            "commits_per_file": commits / count,
        },
        targets=[Target("commits_per_file", "at most", 0.1)],
        note=f"{count} files of five tasks, read from memory; each is read once more afterwards",
    )


def _commits(world: World) -> int:
    return int(world.all("SELECT coalesce(max(seq), 0) FROM commits")[0][0])
