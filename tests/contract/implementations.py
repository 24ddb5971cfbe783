"""Who implements the ports. A new implementation adds one line here and meets the whole suite.

Each entry is a context manager. A bucket's yields the bucket, empty. A queue's yields an empty
queue whose received messages come back after VISIBILITY seconds, with a function that lets
seconds pass (which does nothing where time passes by itself).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import boto3
from moto import mock_aws

from chalicelib.aws import S3Bucket, SqsQueue
from chalicelib.local.durable_bucket import DurableBucket
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.local.moto_queue import LocalQueue
from chalicelib.ports import Bucket, Queue
from tests.support.fakes import FakeBucket, FakeClock, FakeQueue

VISIBILITY = 1
REGION = "us-east-1"

Pass = Callable[[float], None]


@contextmanager
def fake_bucket(_folder: Path) -> Iterator[Bucket]:
    yield FakeBucket()


@contextmanager
def s3_bucket(_folder: Path) -> Iterator[Bucket]:
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket="contract")
        yield S3Bucket("contract", lambda: client)


@contextmanager
def folder_bucket(folder: Path) -> Iterator[Bucket]:
    yield FolderBucket(folder)


@contextmanager
def durable_bucket(folder: Path) -> Iterator[Bucket]:
    yield DurableBucket(FakeBucket(), folder)


@contextmanager
def fake_queue(_folder: Path) -> Iterator[tuple[Queue, Pass]]:
    clock = FakeClock()
    yield FakeQueue(clock, visibility=VISIBILITY), clock.advance


@contextmanager
def sqs_queue(_folder: Path) -> Iterator[tuple[Queue, Pass]]:
    with mock_aws():
        client = boto3.client("sqs", region_name=REGION)
        attributes = {"VisibilityTimeout": str(VISIBILITY)}
        client.create_queue(QueueName="contract", Attributes=attributes)
        yield SqsQueue("contract", lambda: client), lambda _seconds: None


@contextmanager
def local_queue(_folder: Path) -> Iterator[tuple[Queue, Pass]]:
    with mock_aws():
        client = boto3.client("sqs", region_name=REGION)
        LocalQueue.create("contract", REGION, VISIBILITY)
        yield SqsQueue("contract", lambda: client), lambda _seconds: None


BUCKETS: dict[str, Callable[[Path], AbstractContextManager[Bucket]]] = {
    "fake": fake_bucket,
    "s3": s3_bucket,
    "folder": folder_bucket,
    "durable": durable_bucket,
}

QUEUES: dict[str, Callable[[Path], AbstractContextManager[tuple[Queue, Pass]]]] = {
    "fake": fake_queue,
    "sqs": sqs_queue,
    "local": local_queue,
}
