"""The two containers of a task on Fargate as two real processes that share a folder: the sidecar,
and the wrapper under each shell that there is. S3 and SQS are moto's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chalicelib.aws.s3 import S3Bucket
from chalicelib.claims import BucketClaims
from chalicelib.enums import Outcome
from chalicelib.fargate.task_definition import WRAPPER
from chalicelib.messages import Attempt, Result, TaskMessage, decode_report
from tests.support.waiting import HANG_SECONDS, eventually

PROJECT = Path(__file__).parents[3]
SHELLS = [
    shell
    for shell in (["sh"], ["bash"], ["dash"], ["busybox", "ash"])
    if shutil.which(shell[0]) is not None
]
KEYS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass
class Task:
    """A task on Fargate; `shell` is its image's."""

    endpoint: str
    folder: Path
    shell: list[str]
    message: TaskMessage
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def volume(self) -> Path:
        return self.folder / "volume"

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )

    @property
    def runs(self) -> S3Bucket:
        return S3Bucket("runs", lambda: self.client("s3"))

    def prepare(self) -> None:
        self.volume.mkdir(parents=True)
        self.client("s3").create_bucket(Bucket="runs")
        self.client("sqs").create_queue(QueueName=self.queue_name)
        self.runs.put(self.message.attempt.message_key, self.message.encode().encode())

    @property
    def queue_name(self) -> str:
        return f"results-{self.message.attempt.run_id}"

    @property
    def queue(self) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=self.queue_name)["QueueUrl"])

    def start(self) -> Task:
        environ = {"PATH": os.environ["PATH"], "FARGATE_VOLUME": str(self.volume)}
        own = {
            **KEYS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "ORCHESTRATOR_RUNS_BUCKET": "runs",
            "ORCHESTRATOR_RESULTS_QUEUE": self.queue_name,
            "ORCHESTRATOR_HEARTBEAT_SECONDS": "0.3",
            "FARGATE_MESSAGE_KEY": self.message.attempt.message_key,
        }
        wrapper = [*self.shell, "-c", WRAPPER.read_text()]
        sidecar = [sys.executable, "-m", "chalicelib.fargate.sidecar"]
        self.processes = [
            subprocess.Popen(sidecar, cwd=PROJECT, env={**environ, **own}),
            subprocess.Popen(wrapper, cwd="/", env={**environ, "FROM_IMAGE": "kept"}),
        ]
        return self

    def result(self) -> Result:
        for process in self.processes:
            process.wait(HANG_SECONDS)
        (result,) = self.results()
        return result

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


@pytest.fixture
def make(endpoint: str, tmp_path: Path) -> Iterator[Any]:
    made: list[Task] = []

    def task(command: str, shell: list[str] = SHELLS[0], **fields: Any) -> Task:
        attempt = Attempt("d", os.urandom(8).hex(), "t", -1, 1)
        message = TaskMessage(attempt, command, log_in_result=4096, **fields)
        made.append(Task(endpoint, tmp_path / str(len(made)), shell, message))
        made[-1].prepare()
        return made[-1]

    yield task
    for one in made:
        for process in one.processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_command_runs_in_the_other_container_and_reports_all_that_it_did(
    make: Any, shell: list[str]
) -> None:
    command = (
        'echo "$GREETING from $FROM_IMAGE"; echo "$AWS_SECRET_ACCESS_KEY." >&2;'
        ' echo n=4 >> "$DAG_OUTPUT"; echo x > left; [ -e left ]'
    )
    task = make(
        command,
        shell,
        vcpu=1,
        memory_mb=3000,
        env={"GREETING": "it's me"},
        outputs=["n"],
        when="true",
    ).start()
    result = task.result()
    assert (result.outcome, result.exit_code, result.outputs) == (Outcome.SUCCESS, 0, {"n": "4"})
    assert (result.vcpu, result.memory_mb, result.billed_ms) == (1, 3072, 60_000)
    log = task.log(result)
    assert "it's me from kept" in log
    assert "Z .\n" in log  # the sidecar's keys never reach the command


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_failure_and_a_signal_are_told(make: Any, shell: list[str]) -> None:
    assert make("echo no; exit 3", shell).start().result().exit_code == 3
    killed = make("kill -KILL $$", shell).start().result()
    assert (killed.outcome, killed.exit_code) == (Outcome.FAILED, 137)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_command_that_ignores_sigterm_ends_with_its_time(make: Any, shell: list[str]) -> None:
    task = make("trap '' TERM; touch $HOME/../../began; sleep 600", shell, timeout=1.0).start()
    assert task.result().outcome is Outcome.TIMEOUT


def test_a_cancelled_command_ends_within_seconds(make: Any) -> None:
    task = make("echo begun; sleep 600").start()
    jobs = task.volume / "jobs" / "1" / "log"
    eventually(lambda: jobs.exists() and jobs.read_text() == "begun\n")
    BucketClaims(task.runs).request_cancel(task.message.attempt, 0.0)
    assert task.result().outcome is Outcome.CANCELLED


def test_a_script_is_run_by_its_program(make: Any) -> None:
    result = make("#!/usr/bin/env sh\necho script in $0").start().result()
    assert "script in" in (result.log or "")


def test_an_attempt_that_is_started_twice_runs_once(make: Any) -> None:
    task = make("echo once")
    task.start()
    task.result()
    again = Task(task.endpoint, task.folder / "again", task.shell, task.message)
    again.volume.mkdir(parents=True)
    again.start()
    for process in again.processes:
        process.wait(HANG_SECONDS)
    assert again.results() == []
    assert not (again.volume / "jobs" / "1" / "go").exists()
