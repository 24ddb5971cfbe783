"""A large file goes through three tasks in memory that does not grow with it.

`LARGE_FILE_MB=5000 pytest tests/integration/executor/test_flat_memory.py` is the long form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.support.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[3]
MEGABYTES = {"folder": "200", "s3": "60"}  # moto takes its time
MOST_KIB = 48 * 1024
"""For parts of 8 MiB, the pieces of a download, and what the allocator keeps of them."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    """S3 of moto, whose own memory is this process's."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(
        Bucket="runs"
    )
    yield url
    server.stop()


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_large_file_goes_through_three_tasks_in_flat_memory(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    megabytes = os.environ.get("LARGE_FILE_MB") or MEGABYTES[place]
    words = [str(tmp_path / "bucket"), megabytes]
    if place == "s3":
        words.append(str(request.getfixturevalue("endpoint")))
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.executor.large_file", *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert set(said["outcomes"]) == {"success"}, said
    assert len(set(said["sha256"])) == 1
    assert said["grown_kib"] < MOST_KIB, said
