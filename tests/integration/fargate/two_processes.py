"""A task on Fargate as two real processes that share a folder: the sidecar, and the wrapper under
any shell. S3 and SQS are moto's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from chalicelib.aws.s3 import S3Bucket
from chalicelib.fargate.task_definition import WRAPPER
from chalicelib.messages import Result, TaskMessage, decode_report
from tests.support.waiting import HANG_SECONDS

PROJECT = Path(__file__).parents[3]
SHELLS = [
    shell
    for shell in (["sh"], ["bash", "--posix"], ["dash"], ["busybox", "ash"])
    if shutil.which(shell[0]) is not None
]
"""What is `sh` in images; bash by that name follows POSIX."""
KEYS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}


RUNS_BUCKET = "runs"


@cache
def client_of(endpoint: str, service: str) -> Any:
    """A client of moto's; making one takes longer than most of its calls."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


@dataclass
class Task:
    """A task on Fargate; `shell` is its image's. `sidecar_environ` is for its sidecar alone, which
    runs `program`."""

    endpoint: str
    folder: Path
    shell: list[str]
    message: TaskMessage
    sidecar_environ: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = ("-m", "chalicelib.fargate.sidecar")
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def volume(self) -> Path:
        return self.folder / "volume"

    def client(self, service: str) -> Any:
        return client_of(self.endpoint, service)

    @property
    def runs(self) -> S3Bucket:
        return S3Bucket(RUNS_BUCKET, lambda: self.client("s3"))

    def prepare(self) -> None:
        self.volume.mkdir(parents=True)
        self.client("s3").create_bucket(Bucket=RUNS_BUCKET)
        self.client("sqs").create_queue(QueueName=self.queue_name)
        self.store_message()

    def store_message(self) -> None:
        self.runs.put(self.message.attempt.message_key, self.message.encode().encode())

    @property
    def queue_name(self) -> str:
        return f"results-{self.message.attempt.run_id}".replace(".", "_")

    @property
    def queue(self) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=self.queue_name)["QueueUrl"])

    def start(self, *, has_wrapper: bool = True) -> Task:
        environ = {"PATH": os.environ["PATH"], "FARGATE_VOLUME": str(self.volume)}
        own = {
            **KEYS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "ORCHESTRATOR_RUNS_BUCKET": RUNS_BUCKET,
            "ORCHESTRATOR_RESULTS_QUEUE": self.queue_name,
            "ORCHESTRATOR_HEARTBEAT_SECONDS": "0.3",
            "FARGATE_MESSAGE_KEY": self.message.attempt.message_key,
            **self.sidecar_environ,
        }
        wrapper = [*self.shell, "-c", WRAPPER.read_text()]
        sidecar = [sys.executable, *self.program]
        self.processes = [subprocess.Popen(sidecar, cwd=PROJECT, env={**environ, **own})]
        if has_wrapper:
            image = {**environ, "FROM_IMAGE": "kept"}
            self.processes.append(subprocess.Popen(wrapper, cwd="/", env=image))
        return self

    def wait(self) -> None:
        for process in self.processes:
            process.wait(HANG_SECONDS)

    def result(self) -> Result:
        self.wait()
        (result,) = self.results()
        return result

    @property
    def sidecar(self) -> subprocess.Popen[bytes]:
        return self.processes[0]

    @property
    def wrapper(self) -> subprocess.Popen[bytes]:
        return self.processes[1]

    def results(self) -> list[Result]:
        found = []
        while (
            batch := self.client("sqs")
            .receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            .get("Messages")
        ):
            found += [decode_report(message["Body"]) for message in batch]
        return [report for report in found if isinstance(report, Result)]

    def log(self, result: Result) -> str:
        prefix = self.message.attempt.log_prefix
        stored = [self.runs.get(info.key) for info in self.runs.list(prefix)]
        return result.log or "".join(part.body.decode() for part in stored if part)
