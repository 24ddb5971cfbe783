"""The queues that workers receive tasks from: created and deleted one by one, outside the stack.

A message that no worker could handle goes to the stage's queue of dead letters, like those of all
other tasks. The names of the queues are read from SQS, so nothing else has to remember them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.places import QUEUE_NAME
from infra.aws import Aws, error_code
from infra.errors import InfraError
from infra.names import Stage

VISIBILITY_SECONDS = 120
"""A worker hides what it works on for as long as it does."""
RETENTION_SECONDS = 345_600
"""As the stack's own queue of tasks; claims outlive it."""
MAX_RECEIVES = 10

_GONE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


def check_name(name: str) -> str:
    """Returns the name. Raises InfraError if tasks could not have it as their `queue`."""
    if not QUEUE_NAME.fullmatch(name):
        raise InfraError(
            f"queue {name!r}: use at most 30 letters, digits, hyphens and underscores, beginning"
            " with a letter or digit"
        )
    return name


def names(aws: Aws, stage: Stage) -> list[str]:
    """Returns the names of the stage's worker queues, as tasks call them."""
    prefix = stage.worker_queue("")
    pages = aws.client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
    urls = [url for page in pages for url in page.get("QueueUrls", [])]
    return sorted(url.rsplit("/", 1)[1].removeprefix(prefix) for url in urls)


def create(aws: Aws, stage: Stage, name: str, dead_letters: str) -> None:
    """Create the queue, or set it right. `dead_letters` is the name of the queue for what no worker
    could handle."""
    attributes = {
        "VisibilityTimeout": str(VISIBILITY_SECONDS),
        "MessageRetentionPeriod": str(RETENTION_SECONDS),
        "SqsManagedSseEnabled": "true",
        "RedrivePolicy": json.dumps(
            {
                "deadLetterTargetArn": aws.location.arn("sqs", dead_letters),
                "maxReceiveCount": MAX_RECEIVES,
            }
        ),
        "Policy": json.dumps(_only_with_tls(aws, stage, name)),
    }
    sqs, queue = aws.client("sqs"), stage.worker_queue(name)
    url = _url(aws, stage, name)
    if url is None:
        sqs.create_queue(QueueName=queue, Attributes=attributes, tags={"orchestrator": stage.name})
    else:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def delete(aws: Aws, stage: Stage, name: str) -> bool:
    """Delete the queue with all that is in it. Returns whether there was one."""
    url = _url(aws, stage, name)
    if url is None:
        return False
    aws.client("sqs").delete_queue(QueueUrl=url)
    return True


def backlog(aws: Aws, stage: Stage, name: str) -> int:
    """Returns the approximate number of messages in the queue, in hand or not."""
    url = _url(aws, stage, name)
    if url is None:
        return 0
    counts = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)
    return sum(int(counts["Attributes"].get(count, 0)) for count in _COUNTS)


_COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
]


def delete_all(aws: Aws, stage: Stage) -> Iterator[str]:
    """Delete the stage's worker queues. Yields the name of each."""
    for name in names(aws, stage):
        delete(aws, stage, name)
        yield name


def _url(aws: Aws, stage: Stage, name: str) -> str | None:
    try:
        return str(aws.client("sqs").get_queue_url(QueueName=stage.worker_queue(name))["QueueUrl"])
    except ClientError as error:
        if error_code(error) in _GONE:
            return None
        raise


def _only_with_tls(aws: Aws, stage: Stage, name: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyWithTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": aws.location.arn("sqs", stage.worker_queue(name)),
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
