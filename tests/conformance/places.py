"""The places where a case's commands run: this process, as on Lambda; a worker's process; and the
two processes of a task on Fargate.

Worker and Fargate find what they need in moto's buckets, queues and secret stores, as they would on
AWS. Time passes for real in them, so a message comes to them when its time has come.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from chalicelib.aws.s3 import S3Bucket
from chalicelib.aws.sqs import SqsQueue
from chalicelib.errors import NotFound
from chalicelib.executor import Executor
from chalicelib.messages import (
    Attempt,
    Heartbeat,
    NotificationMessage,
    Result,
    TaskMessage,
    decode_report,
)
from chalicelib.places import QUEUE_PREFIX, table
from chalicelib.ports import Bucket, Claims, Clock, OutgoingMessage, Queue
from tests.integration.fargate.two_processes import RUNS_BUCKET, SHELLS, Task, client_of
from tests.support import known_tools
from tests.support.fakes import FakeQueue
from tests.support.waiting import eventually
from tests.workers.process import WorkerProcess

NO_HEARTBEATS = 1e9
WORKER_QUEUE = "conformance"
TASKS, RESULTS = "conformance-tasks", "conformance-results"


class Runner(Protocol):
    """Runs one attempt after the other, each to its end."""

    def run(self, message: TaskMessage) -> list[str]:
        """Return the reports of the attempt, its result last."""


class InThisProcess:
    """As on Lambda. Delivers notifications, too."""

    def __init__(
        self,
        runs: Bucket,
        claims: Claims,
        clock: Clock,
        environ: Mapping[str, str],
        secrets: Mapping[str, str],
    ) -> None:
        self._reports = FakeQueue(clock)
        self._executor = Executor(
            runs,
            claims,
            self._reports,
            NO_HEARTBEATS,
            environ,
            clock,
            secrets=_KnownSecrets(secrets),
            open_bucket=known_tools.open_bucket,
            own_environ={},
            ignores_images=True,
        )

    def run(self, message: TaskMessage | NotificationMessage) -> list[str]:
        self._executor.handle(message.encode(), time_left=lambda: 900.0)
        return _drain(self._reports)

    def close(self) -> None:
        self._executor.stop()


class _KnownSecrets:
    """Holds what the case says, by reference."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def get(self, reference: str) -> str:
        if reference not in self._values:
            raise NotFound(f"{reference}: there is no such secret")
        return self._values[reference]


def _drain(queue: Queue) -> list[str]:
    bodies = []
    while batch := queue.receive(10):
        queue.delete(batch)
        bodies += [message.body for message in batch]
    return bodies


class RemotePlace(Protocol):
    """A place outside of this process. `runs` holds logs, claims and files."""

    runs: Bucket

    def runner(self, folder: Path, secrets: Mapping[str, str]) -> Runner:
        """For one case, which writes to `folder` and finds it in $CASE."""


class WorkerPlace:
    """A worker as a person starts it, for all cases. `hosts_secrets` are variables of its own."""

    def __init__(self, endpoint: str, output: Path, hosts_secrets: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self.runs: Bucket = _runs(endpoint)
        place = table(TASKS, "384", worker_queues=WORKER_QUEUE).find(QUEUE_PREFIX + WORKER_QUEUE)
        assert place is not None
        sqs = client_of(endpoint, "sqs")
        for name in (place.queue, RESULTS):
            sqs.create_queue(QueueName=name)
        self._tasks = SqsQueue(place.queue, lambda: sqs)
        self._results = SqsQueue(RESULTS, lambda: sqs)
        self.process = WorkerProcess(
            WORKER_QUEUE,
            endpoint,
            output,
            parallelism=1,
            ORCHESTRATOR_RUNS_BUCKET=RUNS_BUCKET,
            ORCHESTRATOR_TASKS_QUEUE=TASKS,
            ORCHESTRATOR_RESULTS_QUEUE=RESULTS,
            ORCHESTRATOR_IMAGES="host",
            **hosts_secrets,
        )

    def runner(self, folder: Path, secrets: Mapping[str, str]) -> Runner:
        _store_secrets(self._endpoint, secrets)
        return _WorkerRunner(self._tasks, self._results, folder)


class _WorkerRunner:
    def __init__(self, tasks: Queue, results: Queue, folder: Path) -> None:
        self._tasks, self._results, self._folder = tasks, results, folder

    def run(self, message: TaskMessage) -> list[str]:
        self._tasks.send([OutgoingMessage(_as_of_now(message, self._folder).encode())])
        reports: list[str] = []

        def is_done() -> bool:
            reports.extend(_reports_of(message.attempt, _drain(self._results)))
            return any(_ends(body) for body in reports)

        eventually(is_done)
        return [body for body in reports if _ends(body)]


class FargatePlace:
    """A sidecar and a wrapper for each attempt. `folder` takes their volumes."""

    def __init__(self, endpoint: str, folder: Path, role_url: str) -> None:
        self._endpoint, self._folder, self._role_url = endpoint, folder, role_url
        self._numbers = itertools.count()
        self.runs: Bucket = _runs(endpoint)

    def runner(self, folder: Path, secrets: Mapping[str, str]) -> Runner:
        _store_secrets(self._endpoint, secrets)
        return _FargateRunner(self, folder, hosts_secrets(secrets))

    def start(self, message: TaskMessage, environ: Mapping[str, str]) -> Task:
        task = Task(self._endpoint, self._folder / str(next(self._numbers)), SHELLS[0], message)
        task.prepare()
        task.sidecar_environ.update(environ)
        task.sidecar_environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self._role_url
        return task.start()


class _FargateRunner:
    def __init__(self, place: FargatePlace, folder: Path, environ: Mapping[str, str]) -> None:
        self._place, self._folder, self._environ = place, folder, environ

    def run(self, message: TaskMessage) -> list[str]:
        task = self._place.start(_as_of_now(message, self._folder), self._environ)
        task.wait()
        return [result.encode() for result in task.results()]


def _as_of_now(message: TaskMessage, folder: Path) -> TaskMessage:
    """Its time has come on the clock of the test, which is not that of other processes."""
    return replace(message, not_before=None, env={"CASE": str(folder), **message.env})


def _reports_of(attempt: Attempt, bodies: list[str]) -> Iterator[str]:
    for body in bodies:
        report = decode_report(body)
        if isinstance(report, Result | Heartbeat) and report.attempt == attempt:
            yield body


def _ends(body: str) -> bool:
    report = decode_report(body)
    return isinstance(report, Result) or (isinstance(report, Heartbeat) and report.claimed)


def _runs(endpoint: str) -> S3Bucket:
    s3 = client_of(endpoint, "s3")
    for name in (RUNS_BUCKET, known_tools.BUCKET):
        s3.create_bucket(Bucket=name)
    for key, body in known_tools.contents().items():
        s3.put_object(Bucket=known_tools.BUCKET, Key=key, Body=body)
    return S3Bucket(RUNS_BUCKET, lambda: s3)


def hosts_secrets(secrets: Mapping[str, str]) -> dict[str, str]:
    """Those that are variables of whatever runs commands."""
    of_host = {k: v for k, v in secrets.items() if k.startswith("env:")}
    return {reference.removeprefix("env:"): value for reference, value in of_host.items()}


def _store_secrets(endpoint: str, secrets: Mapping[str, str]) -> None:
    for reference, value in secrets.items():
        store, _, name = reference.partition(":")
        if store == "ssm":
            client_of(endpoint, "ssm").put_parameter(
                Name=name, Value=value, Type="SecureString", Overwrite=True
            )
        elif store == "secretsmanager":
            secret_id, _, key = name.partition("#")
            text = json.dumps({key: value}) if key else value
            client_of(endpoint, "secretsmanager").create_secret(Name=secret_id, SecretString=text)
