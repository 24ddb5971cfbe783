"""Write transactions for each finished task: on a network file system they are what is dear."""

from __future__ import annotations

import statistics

from tests.bench.dag_files import chain, fan_out
from tests.bench.local_cloud import LocalCloud, local_cloud
from tests.bench.report import Line, Target

LENGTH = 10


def run(is_quick: bool) -> Line:
    runs, width = (2, 100) if is_quick else (5, 500)
    with local_cloud() as cloud:
        cloud.upload({"chain.yaml": chain("chain", LENGTH), "wide.yaml": fan_out("wide", width)})
        in_a_row = [_commits(cloud, "chain") / LENGTH for _ in range(runs)]
        side_by_side = [_commits(cloud, "wide") / (width + 2) for _ in range(runs)]
    return Line(
        name="commits",
        runs=runs,
        figures={
            "chain_per_task": statistics.median(in_a_row),
            "fanout_per_task": statistics.median(side_by_side),
        },
        targets=[
            Target("chain_per_task", "at most", 3),
            Target("fanout_per_task", "at most", 0.3),
        ],
        note=f"everything between request and end is counted, ticks too; fan-out of {width};"
        " a count, so there is nothing to time beside it",
    )


def _commits(cloud: LocalCloud, dag_id: str) -> int:
    before = cloud.commit_seq()
    cloud.run(dag_id)
    return cloud.commit_seq() - before
