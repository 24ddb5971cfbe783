"""A process that hands a large file through three tasks and says how much memory it took:

    python -m tests.integration.executor.large_file FOLDER MEGABYTES [S3_ENDPOINT]

The objects are in FOLDER, as in the local cloud, or in the bucket `runs` of S3_ENDPOINT.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import boto3

from chalicelib.artifact_inputs import InputFile, encode
from chalicelib.aws import S3Bucket, clients
from chalicelib.claims import BucketClaims
from chalicelib.executor import Executor
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.messages import Attempt, Result, TaskMessage, decode_report
from chalicelib.ports import Bucket
from chalicelib.utils.time import utc_now
from tests.support.fakes import FakeQueue

COMMANDS = {
    "make": 'head -c "$BYTES" /dev/urandom > out',
    "pass": "mv in out",
    "check": 'test "$(wc -c < in)" = "$BYTES" && mkdir out && mv in out/file',
}
NO_HEARTBEATS = 1e9


def bucket(folder: Path, endpoint: str) -> Bucket:
    if not endpoint:
        return FolderBucket(folder)
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=clients.CONFIG,
    )
    return S3Bucket("runs", lambda: client)


def hand_on(runs: Bucket, size: int) -> list[Result]:
    """Each task gets what the one before has left; the last leaves a folder."""
    results: list[Result] = []
    for task_id, command in COMMANDS.items():
        attempt = Attempt("dag", "run", task_id, -1, 1)
        message = TaskMessage(
            attempt,
            command,
            env={"BYTES": str(size)},
            materials=[encode("in", [left_by(results[-1])], is_mapped=False)] if results else [],
            artifacts={"file": "out"},
        )
        results.append(run(runs, message))
    return results


def left_by(result: Result) -> InputFile:
    [left] = result.artifacts
    return InputFile(result.attempt, left.name, left.size, left.sha256)


def run(runs: Bucket, message: TaskMessage) -> Result:
    queue = FakeQueue(utc_now)
    environ = {"PATH": os.environ["PATH"]}
    executor = Executor(runs, BucketClaims(runs), queue, NO_HEARTBEATS, environ, utc_now)
    executor.handle(message.encode(), time_left=lambda: float("inf"))
    [result] = [r for body in queue.bodies() if isinstance(r := decode_report(body), Result)]
    return result


def peak_kib() -> int:
    """The most memory that this process has had since `forget_peak`."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def main(folder: str, megabytes: str, endpoint: str = "") -> None:
    runs = bucket(Path(folder), endpoint)
    hand_on_small = hand_on(runs, 1000)  # whatever is imported late is there now
    runs.delete([row.key for row in runs.list("")])
    forget_peak()
    before = peak_kib()
    results = hand_on(runs, int(megabytes) * 1_000_000)
    said = {
        "outcomes": [result.outcome for result in (*hand_on_small, *results)],
        "reasons": [result.reason for result in results],
        "sha256": [result.artifacts[0].sha256 for result in results[:2] if result.artifacts],
        "grown_kib": peak_kib() - before,
    }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
