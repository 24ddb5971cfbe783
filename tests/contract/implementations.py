"""Who implements the ports. A new implementation adds one line here and meets the whole suite.

Each entry is a context manager. A bucket's yields the bucket, empty; so does that of claims. A
queue's yields an empty queue whose received messages come back after VISIBILITY seconds, with a
function that lets seconds pass. They are so many that none of them passes while a test runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from chalicelib.aws import S3Bucket, SqsQueue
from chalicelib.aws.dynamodb import DynamoClaims
from chalicelib.claims import BucketClaims, TransitionalClaims
from chalicelib.local.creation_journal import Journal
from chalicelib.local.durable_bucket import DurableBucket
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.local.in_process_bucket import InProcessBucket
from chalicelib.local.in_process_queue import InProcessQueue
from chalicelib.local.moto_queue import LocalQueue
from chalicelib.ports import Bucket, Claims, Queue
from tests.support.claims_table import create_claims_table
from tests.support.fakes import FakeBucket, FakeClaims, FakeClock, FakeQueue

VISIBILITY = 600
REGION = "us-east-1"

Pass = Callable[[float], None]


@contextmanager
def fake_bucket(_folder: Path) -> Iterator[Bucket]:
    yield FakeBucket()


class AtomicWrites:
    """A client of moto whose conditional writes are one step, as those of S3 and DynamoDB are: moto
    checks the condition, then stores."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def put_object(self, **arguments: Any) -> Any:
        with self._lock:
            return self._client.put_object(**arguments)

    def update_item(self, **arguments: Any) -> Any:
        with self._lock:
            return self._client.update_item(**arguments)


@contextmanager
def s3_bucket(_folder: Path) -> Iterator[Bucket]:
    with mock_aws():
        client = AtomicWrites(boto3.client("s3", region_name=REGION))
        client.create_bucket(Bucket="contract")
        yield S3Bucket("contract", lambda: client)


@contextmanager
def in_process_bucket(_folder: Path) -> Iterator[Bucket]:
    with mock_aws():
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="contract")
        yield InProcessBucket("contract")


@contextmanager
def folder_bucket(folder: Path) -> Iterator[Bucket]:
    yield FolderBucket(folder)


@contextmanager
def durable_bucket(folder: Path) -> Iterator[Bucket]:
    yield DurableBucket(FakeBucket(), folder / "runs", Journal(folder / "journal"))


@contextmanager
def fake_queue(_folder: Path) -> Iterator[tuple[Queue, Pass]]:
    clock = FakeClock()
    yield FakeQueue(clock, visibility=VISIBILITY), clock.advance


def let_pass_in_moto(seconds: float) -> None:
    """Let time pass in moto: two times of a message decide whether it is hidden or delayed."""
    for message in sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues["contract"]._messages:
        message.visible_at -= seconds * 1000
        message.delayed_until -= seconds * 1000


@contextmanager
def sqs_queue(_folder: Path) -> Iterator[tuple[Queue, Pass]]:
    with mock_aws():
        client = boto3.client("sqs", region_name=REGION)
        attributes = {"VisibilityTimeout": str(VISIBILITY)}
        client.create_queue(QueueName="contract", Attributes=attributes)
        yield SqsQueue("contract", lambda: client), let_pass_in_moto


@contextmanager
def local_queue(_folder: Path) -> Iterator[tuple[Queue, Pass]]:
    with mock_aws():
        client = boto3.client("sqs", region_name=REGION)
        LocalQueue.create("contract", REGION, VISIBILITY)
        yield SqsQueue("contract", lambda: client), let_pass_in_moto


@contextmanager
def in_process_queue(_folder: Path) -> Iterator[tuple[Queue, Pass]]:
    with mock_aws():
        yield InProcessQueue(LocalQueue.create("contract", REGION, VISIBILITY)), let_pass_in_moto


BUCKETS: dict[str, Callable[[Path], AbstractContextManager[Bucket]]] = {
    "fake": fake_bucket,
    "s3": s3_bucket,
    "in process": in_process_bucket,
    "folder": folder_bucket,
    "durable": durable_bucket,
}

EDITABLE = ("fake", "s3", "in process")
"""Those of `BUCKETS` that implement `EditableBucket`, too."""

QUEUES: dict[str, Callable[[Path], AbstractContextManager[tuple[Queue, Pass]]]] = {
    "fake": fake_queue,
    "sqs": sqs_queue,
    "local": local_queue,
    "in process": in_process_queue,
}


@contextmanager
def fake_claims(_folder: Path) -> Iterator[Claims]:
    yield FakeClaims()


def claims_in(
    bucket: Callable[[Path], AbstractContextManager[Bucket]],
) -> Callable[[Path], AbstractContextManager[Claims]]:
    @contextmanager
    def claims(folder: Path) -> Iterator[Claims]:
        with bucket(folder) as runs:
            yield BucketClaims(runs)

    return claims


@contextmanager
def dynamodb_claims(_folder: Path) -> Iterator[Claims]:
    with mock_aws():
        client = AtomicWrites(boto3.client("dynamodb", region_name=REGION))
        create_claims_table(client, "contract")
        yield DynamoClaims("contract", lambda: client)


def in_transition(*, is_over: bool) -> Callable[[Path], AbstractContextManager[Claims]]:
    @contextmanager
    def claims(folder: Path) -> Iterator[Claims]:
        clock = FakeClock()
        until = clock() + timedelta(days=-1 if is_over else 1)
        with dynamodb_claims(folder) as current:
            yield TransitionalClaims(BucketClaims(FakeBucket()), current, until, clock)

    return claims


CLAIMS: dict[str, Callable[[Path], AbstractContextManager[Claims]]] = {
    "fake": fake_claims,
    "dynamodb": dynamodb_claims,
    "from s3 to dynamodb": in_transition(is_over=False),
    "from s3 to dynamodb, later": in_transition(is_over=True),
    **{f"{name}_bucket": claims_in(bucket) for name, bucket in BUCKETS.items()},
}
