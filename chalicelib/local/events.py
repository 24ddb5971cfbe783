"""Events and contexts as Lambda hands them to the entry points."""

from __future__ import annotations

import hashlib
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
"""Seconds that Lambda gives the functions that decide."""
LONGEST = 900.0
"""Seconds that Lambda gives at most: what the executor has."""


class LambdaContext:
    """What an entry point may ask about its invocation. `seconds`: how long it may take."""

    def __init__(self, function_name: str, seconds: float) -> None:
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = 512
        self.aws_request_id = str(uuid.uuid4())
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(int((self._deadline - time.monotonic()) * 1000), 0)


def of_the_clock(now: datetime) -> Event:
    """EventBridge's, for a schedule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/tick"],
        "detail": {},
    }


def of_the_queue(queue_name: str, messages: Sequence[ReceivedMessage]) -> Event:
    """SQS's, for a batch of messages."""
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


def of_the_bucket(bucket: str, key: str, *, created: bool, etag: str = "") -> Event:
    """S3's, for one object that was put or removed."""
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
    """The bucket of an S3 event, whose records are all of one."""
    return str(event["Records"][0]["s3"]["bucket"]["name"])


def key_of_record(record: dict[str, Any]) -> str:
    """S3 quotes keys in its events as forms do."""
    return unquote_plus(record["s3"]["object"]["key"])
