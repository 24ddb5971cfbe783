"""The entry points of app.py in this process, before moto's S3 and SQS and a real file, invoked as
Lambda's event source mappings would; and a meter for all that AWS would charge for."""

from __future__ import annotations

import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from chalicelib import bootstrap, config
from chalicelib.aws.clients import CONFIG
from chalicelib.aws.dynamodb import DynamoClaims
from chalicelib.aws.s3 import S3Bucket
from chalicelib.aws.sqs import SqsQueue
from chalicelib.database import Database
from chalicelib.local import events, loops
from chalicelib.local.in_process_queue import InProcessQueue
from chalicelib.local.moto_queue import LocalQueue
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import ReceivedMessage
from chalicelib.scheduler import registration
from chalicelib.scheduler.commands import runs
from chalicelib.utils.logging import configure as configure_logging
from tests.support.claims_table import create_claims_table

REGION = "us-east-1"
VISIBILITY = 960

EFS_COMMIT_SECONDS = 0.065
"""What a commit of a hundred row changes takes on EFS: 64 NFS calls, 44 to 86 ms. Waited for, so
that reports gather behind it as they would there."""

APPLY_BATCH, APPLY_AT_ONCE = 10, 2
"""As app.py tells Lambda."""

CLAIMS_TABLE = "claims"

PLATFORM_LOG_BYTES = 330
"""Lambda's own lines of an invocation: START, END and REPORT."""

Hook = Callable[..., None]


@dataclass(frozen=True)
class Functions:
    """MB of memory of the two functions that each task uses."""

    execute: int
    apply: int


class Meter:
    """Counts by key of the table of prices, and under `calls` by name. May be used by threads."""

    def __init__(self, memory: Functions) -> None:
        self.amounts: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {"execute": [], "apply": []}
        self._memory = memory
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Begin anew."""
        with self._lock:
            self.amounts.clear()
            self.calls.clear()
            self.seconds = {name: [] for name in self.seconds}

    def add(self, key: str, amount: float, call: str = "") -> None:
        with self._lock:
            self.amounts[key] += amount  # type: ignore[assignment]
            if call:
                self.calls[call] += 1

    def watch(self, client: Any) -> Any:
        """Count each request of a boto3 client, repeated ones too; answers the client."""
        client.meta.events.register("request-created.s3", self._s3)
        client.meta.events.register("request-created.sqs", self._sqs)
        client.meta.events.register("request-created.dynamodb", self._dynamodb)
        return client

    def _s3(self, operation_name: str, **_: Any) -> None:
        if operation_name.startswith("Delete"):
            return  # free of charge
        is_read = operation_name.startswith(("Get", "Head"))
        self.add("s3_get" if is_read else "s3_put", 1, f"S3 {operation_name}")

    def _sqs(self, operation_name: str, **_: Any) -> None:
        self.add("sqs_request", 1, f"SQS {operation_name}")

    def _dynamodb(self, operation_name: str, **_: Any) -> None:
        is_read = operation_name.startswith("Get")
        key = "dynamodb_read" if is_read else "dynamodb_write"
        self.add(key, 1, f"DynamoDB {operation_name}")

    def invocation(self, name: str, seconds: float) -> None:
        """Count an invocation and what the queue's poller asks for it: a receive and a delete."""
        billed = math.ceil(seconds * 1000) / 1000
        self.add("lambda_request", 1, f"Lambda {name}")
        self.add("lambda_gb_second", billed * getattr(self._memory, name) / 1024)
        self.add("sqs_request", 1, "SQS ReceiveMessage by Lambda")
        self.add("sqs_request", 1, "SQS DeleteMessageBatch by Lambda")
        if name == "execute":  # its queue is fair: sent in tens, received and deleted one by one
            self.add("sqs_fair_request", 2.1)
        self.add("logs_gb", PLATFORM_LOG_BYTES / 1e9)
        with self._lock:
            self.seconds[name].append(seconds)

    def write(self, text: str) -> None:
        """Count what a function logs."""
        self.add("logs_gb", len(text.encode()) / 1e9)

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    @contextmanager
    def file_io(self) -> Iterator[None]:
        """What this thread reads from and writes to files in the block: those of SQLite, because
        nothing else here is a file. Read is what SQLite asks for; an NFS client may have it."""
        before = _file_io()
        yield
        read, written = (now - then for now, then in zip(_file_io(), before, strict=True))
        self.add("efs_gb_read", read / 1e9)
        self.add("efs_gb_written", written / 1e9)


def _file_io() -> tuple[int, int]:
    """Bytes that this thread has read and written so far (Linux)."""
    status = dict(
        line.split(": ") for line in Path("/proc/thread-self/io").read_text().splitlines()
    )
    return int(status["rchar"]), int(status["wchar"])


class MeteredCloud:
    """Made by `metered_cloud`."""

    def __init__(self, folder: Path, meter: Meter) -> None:
        import app

        configure_logging("INFO", environ={"AWS_LAMBDA_FUNCTION_NAME": "bench"}, stream=meter)  # type: ignore[arg-type]
        self._execute_handler, self._apply_handler = app.execute, app.apply
        self.meter = meter
        self.database = Database(folder / "database" / "orchestrator.db")
        self.database.create_if_missing()
        self._settings = config.load({})
        dead = LocalQueue.create(self._settings.dead_letter_queue, REGION, VISIBILITY)
        self._polled = [
            InProcessQueue(LocalQueue.create(name, REGION, VISIBILITY, target))
            for name, target in (
                (self._settings.tasks_queue, dead),
                (self._settings.results_queue, None),
            )
        ]
        bootstrap.configure(self._ports())

    def _ports(self) -> bootstrap.Ports:
        s3, sqs, dynamodb = (
            self.meter.watch(_client(service)) for service in ("s3", "sqs", "dynamodb")
        )
        create_claims_table(_client("dynamodb"), CLAIMS_TABLE)
        settings = self._settings
        for name in (settings.dags_bucket, settings.runs_bucket):
            _client("s3").create_bucket(Bucket=name)
        queues = {
            name: SqsQueue(getattr(settings, f"{name}_queue"), lambda: sqs)
            for name in ("tasks", "results", "dead_letter")
        }
        runs = S3Bucket(settings.runs_bucket, lambda: s3)
        return bootstrap.Ports(
            task_queues=lambda: {DEFAULT_PLACE: queues["tasks"]},
            results=lambda: queues["results"],
            dead_letters=lambda: queues["dead_letter"],
            dags=lambda: S3Bucket(settings.dags_bucket, lambda: s3),
            runs=lambda: runs,
            claims=lambda: DynamoClaims(CLAIMS_TABLE, lambda: dynamodb),
            database=lambda: self.database,
            settings=settings,
        )

    def upload(self, key: str, text: str) -> None:
        S3Bucket(self._settings.dags_bucket, lambda: _client("s3")).put(key, text.encode())
        registration.register(bootstrap.scheduler(), [key])

    def start(self, parallelism: int, stop: threading.Event) -> None:
        """Invoke `execute` for each task, so many at once, and `apply` for each batch of results.
        The pollers' requests are not counted: an empty receive is paid by the month."""
        tasks, results = self._polled
        loops.Executors(tasks, self._execute, parallelism).start(stop)
        for _ in range(APPLY_AT_ONCE):
            loops.start("results", lambda: self._poll(results), stop)

    def run(self, dag_id: str, *, within: float) -> str:
        """Run the DAG; the state that it ends in. Raises TimeoutError."""
        run_id, _ = runs.trigger_run(bootstrap.scheduler(), dag_id, who="ann")
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            with self.database.read() as tx:
                row = tx.one("SELECT state, ended_at FROM runs WHERE run_id = ?", (run_id,))
            if row is not None and row[1] is not None:
                return str(row[0])
            time.sleep(0.5)
        raise TimeoutError(f"{dag_id} did not end within {within} s")

    def commits(self) -> int:
        with self.database.read() as tx:
            row = tx.one("SELECT max(seq) FROM commits")
        return int(row[0]) if row else 0

    def _execute(self, message: ReceivedMessage) -> None:
        event = events.queue_event(self._settings.tasks_queue, [message])
        begun = time.monotonic()
        self._execute_handler(event, events.LambdaContext("execute", events.LONGEST))
        self.meter.invocation("execute", time.monotonic() - begun)

    def _poll(self, queue: InProcessQueue) -> None:
        batch = queue.receive(APPLY_BATCH, wait=1)
        if not batch:
            return
        event = events.queue_event(self._settings.results_queue, batch)
        # As if another sandbox had committed meanwhile, which empties SQLite's cache.
        self.database.close()
        begun = time.monotonic()
        with self.meter.file_io():
            self._apply_handler(event, events.LambdaContext("apply", events.SHORT))
        time.sleep(EFS_COMMIT_SECONDS)
        self.meter.invocation("apply", time.monotonic() - begun)
        queue.delete(batch)


def _client(service: str) -> Any:
    return boto3.client(service, region_name=REGION, config=CONFIG)


@contextmanager
def metered_cloud(folder: Path, memory: Functions) -> Iterator[MeteredCloud]:
    """One at a time: it is the process's composition and its log."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "testing")
    with mock_aws():
        cloud = MeteredCloud(folder, Meter(memory))
        try:
            yield cloud
        finally:
            bootstrap.executor().stop()
            cloud.database.close()
