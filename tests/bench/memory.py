"""The idle local cloud: how large it is, and how soon it answers."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.bench.local_cloud import LocalCloud, local_cloud
from tests.bench.machine import bytecode_folder, resident_mb
from tests.bench.report import Line, Target

QUIET = 3.0
"""Seconds after the first answer in which what runs at the start comes to an end."""

LIBRARIES = """
import chalice.cli, chalice.local, boto3, moto
from moto import mock_aws
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
mock_aws().start()
boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
boto3.client("sqs", region_name="us-east-1").create_queue(QueueName="queue")
print(open("/proc/self/status").read())
"""


def run(is_quick: bool) -> Line:
    runs = 1 if is_quick else 3
    with local_cloud():
        pass  # the byte code is written now
    measured = [_measure() for _ in range(runs)]
    return Line(
        name="memory",
        runs=runs,
        figures={
            "resident_mb": statistics.median(size for size, _ in measured),
            "first_answer_s": statistics.median(seconds for _, seconds in measured),
        },
        targets=[Target("resident_mb", "at most", 150), Target("first_answer_s", "at most", 3)],
        here={"chalice_boto3_and_moto_alone_mb": libraries_mb()},
        published={"Airflow 3.3": {"resident_mb": 814, "first_answer_s": 22}},
        note="resident_mb is the sum over the process and its children",
    )


def _measure() -> tuple[float, float]:
    with local_cloud() as cloud:
        return idle_mb(cloud), cloud.first_answer


def idle_mb(cloud: LocalCloud) -> float:
    """The size of a cloud that has just given its first answer, when it has come to rest."""
    time.sleep(QUIET)
    return sum(resident_mb(pid) for pid in cloud.processes())


def libraries_mb() -> float:
    """A process that has loaded the same libraries, and used each once."""
    environ = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "PYTHONPYCACHEPREFIX": str(bytecode_folder()),
    }
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES], env=environ, check=True, capture_output=True, text=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1_000_000
