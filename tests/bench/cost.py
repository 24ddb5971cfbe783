"""What a million one-second tasks cost on AWS: all that a fan-out of them uses is counted, and
multiplied by the table of prices."""

from __future__ import annotations

import logging
import statistics
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from chalicelib.aws_prices import PRICES
from infra.cost import APPLY_FUNCTION_MB
from tests.bench.dag_files import fan_out
from tests.bench.metered_cloud import Functions, Meter, MeteredCloud, metered_cloud
from tests.bench.report import Line, Target

MILLION = 1_000_000

PARALLELISM = 32
"""Commands that run at once: as many as leave this machine time to spare."""

MEMORY = Functions(execute=384, apply=APPLY_FUNCTION_MB)
"""`execute` as the installation has it unless told."""


def run(is_quick: bool) -> Line:
    width = 200 if is_quick else 998
    silenced = logging.root.manager.disable
    logging.disable(logging.NOTSET)  # what the functions log is paid for; it goes to the meter
    with tempfile.TemporaryDirectory() as folder, metered_cloud(Path(folder), MEMORY) as cloud:
        commits = _run(cloud, width)
    logging.disable(silenced)
    return _line(cloud.meter, width + 2, commits)


def _run(cloud: MeteredCloud, width: int) -> int:
    """Run the tasks; how many commits that took."""
    stop = threading.Event()
    source = fan_out("wide", width).replace('command: "true"', "command: sleep 1; echo done")
    cloud.upload("wide.yaml", source)
    before = cloud.commits()
    cloud.meter.reset()
    cloud.start(PARALLELISM, stop)
    try:
        state = cloud.run("wide", within=300)
    finally:
        stop.set()
    if state != "success":
        raise RuntimeError(f"the run ended as {state}")
    return cloud.commits() - before


def _line(meter: Meter, tasks: int, commits: int) -> Line:
    per_million = {key: amount * MILLION / tasks for key, amount in meter.amounts.items()}
    usd = {key: amount * PRICES[key].usd for key, amount in per_million.items()}
    return Line(
        name="cost",
        runs=1,
        figures={
            "usd_per_million_tasks": sum(usd.values()),
            "usd_by_price": dict(sorted(usd.items(), key=lambda pair: -pair[1])),
            "requests_per_task": {call: n / tasks for call, n in sorted(meter.calls.items())},
            "execute_ms": statistics.median(meter.seconds["execute"]) * 1000,
            "apply_ms": statistics.median(meter.seconds["apply"]) * 1000,
            "efs_written_bytes_per_task": _per_task(meter.amounts, "efs_gb_written", tasks),
            "efs_read_bytes_per_task": _per_task(meter.amounts, "efs_gb_read", tasks),
            "commits_per_task": commits / tasks,
        },
        targets=[Target("usd_per_million_tasks", "at most", 14)],
        published={
            "MWAA Serverless, 0.104 an hour, a minute at least, 2025-11": {"usd": 1733},
            "Lambda durable functions, estimated, 2026-11": {"usd": 15},
        },
        note=f"{tasks} tasks of `sleep 1; echo done`, {PARALLELISM} at once, in"
        f" {MEMORY.execute} MB, us-east-1, prices of {min(p.as_of for p in PRICES.values())} to"
        f" {max(p.as_of for p in PRICES.values())}; what is paid by the month is not in it: ticks,"
        " idle polls, storage, the interface endpoint;"
        " nor are EFS's requests that carry no data, about 0.6",
    )


def _per_task(amounts: Mapping[str, float], key: str, tasks: int) -> float:
    return amounts[key] * 1e9 / tasks
