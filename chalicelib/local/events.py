"""Events and contexts in the shapes that Lambda passes to the entry points."""

from __future__ import annotations

import hashlib
import itertools
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from chalicelib.local.aws_env import REGION
from chalicelib.ports import ReceivedMessage

Event = dict[str, Any]

ACCOUNT = "123456789012"

SHORT = 60.0
"""Timeout in seconds of the functions that use the database."""
LONGEST = 900.0
"""Lambda's maximum timeout in seconds, which the executor has."""


_PREFIX = str(uuid.uuid4())[:24]
_numbers = itertools.count(1)


def unique_id() -> str:
    """An id in the form of a UUID, at a tenth of the cost: there are six for each task."""
    return f"{_PREFIX}{next(_numbers):012x}"


class LambdaContext:
    """The context of an invocation. `seconds` is its timeout."""

    def __init__(self, function_name: str, seconds: float) -> None:
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = 512
        self.aws_request_id = unique_id()
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self._deadline - time.monotonic()) * 1000), 0)


def schedule_event(now: datetime) -> Event:
    """Build EventBridge's event of a schedule."""
    return {
        "version": "0",
        "id": unique_id(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/tick"],
        "detail": {},
    }


def queue_event(queue_name: str, messages: Sequence[ReceivedMessage]) -> Event:
    """Build SQS's event of a batch of messages."""
    return {"Records": [_record(queue_name, message) for message in messages]}


def _record(queue_name: str, message: ReceivedMessage) -> dict[str, Any]:
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receive_count)},
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_name}",
        "awsRegion": REGION,
    }


def bucket_event(bucket: str, key: str, *, created: bool, etag: str = "") -> Event:
    """Build S3's event of one object that was created or deleted."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": REGION,
                "eventName": "ObjectCreated:Put" if created else "ObjectRemoved:Delete",
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {"key": quote_plus(key), "eTag": etag},
                },
            }
        ]
    }


def bucket_of(event: Event) -> str:
    """Returns the bucket of an S3 event; all its records are about one bucket."""
    return str(event["Records"][0]["s3"]["bucket"]["name"])


def key_of_record(record: dict[str, Any]) -> str:
    """Returns the key of a record. S3 encodes keys in events as in HTML forms."""
    return unquote_plus(record["s3"]["object"]["key"])
