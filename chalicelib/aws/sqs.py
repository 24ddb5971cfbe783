"""A Queue on SQS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from chalicelib.aws.clients import client, translated
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.ports import OutgoingMessage, QueueDepth, ReceivedMessage

# SQS's own limits for one call.
ENTRIES_AT_ONCE = 10
BYTES_AT_ONCE = 256 * 1024
GROUP_LENGTH = 128

BATCH_ATTEMPTS = 3

_DEPTH = {
    "visible": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}


class SqsQueue:
    """Implements `chalicelib.ports.Queue`. The queue's URL is asked for at first use."""

    def __init__(self, name: str, get_client: Callable[[], Any] = lambda: client("sqs")) -> None:
        self.name = name
        self._get_client = get_client
        self._what = f"SQS queue `{name}`"

    @cached_property
    def _url(self) -> str:
        with translated(self._what):
            return str(self._get_client().get_queue_url(QueueName=self.name)["QueueUrl"])

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        refused: OrchestratorError | None = None
        for batch in batches(messages):
            try:
                self._in_batch("send_message_batch", [_outgoing(m) for m in batch])
            except Unavailable:
                raise
            except OrchestratorError as error:
                refused = refused or error  # one bad message is in the way of no other batch
        if refused is not None:
            raise refused

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        with translated(self._what):
            answer = self._get_client().receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait,
                AttributeNames=["ApproximateReceiveCount"],
            )
        return [_received(row) for row in answer.get("Messages", [])]

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        for start in range(0, len(messages), ENTRIES_AT_ONCE):
            batch = messages[start : start + ENTRIES_AT_ONCE]
            self._in_batch("delete_message_batch", [{"ReceiptHandle": m.receipt} for m in batch])

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        for start in range(0, len(messages), ENTRIES_AT_ONCE):
            self._in_batch(
                "change_message_visibility_batch",
                [
                    {"ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
                    for message in messages[start : start + ENTRIES_AT_ONCE]
                ],
            )

    def depth(self) -> QueueDepth:
        with translated(self._what):
            answer = self._get_client().get_queue_attributes(
                QueueUrl=self._url, AttributeNames=list(_DEPTH.values())
            )
        counts = answer["Attributes"]
        return QueueDepth(**{field: int(counts[name]) for field, name in _DEPTH.items()})

    def _in_batch(self, operation: str, entries: list[dict[str, Any]]) -> None:
        """A batch may succeed in part: what failed is tried again, a few times."""
        left = {str(number): entry for number, entry in enumerate(entries)}
        failed: list[dict[str, Any]] = []
        for _ in range(BATCH_ATTEMPTS):
            with translated(self._what):
                answer = getattr(self._get_client(), operation)(
                    QueueUrl=self._url, Entries=[{"Id": k, **entry} for k, entry in left.items()]
                )
            failed = [row for row in answer.get("Failed", []) if not _is_gone(row)]
            self._refuse_what_cannot_succeed(failed)
            left = {row["Id"]: left[row["Id"]] for row in failed}
            if not left:
                return
        raise Unavailable(
            f"{self._what}: {len(left)} of {len(entries)} failed: {failed[0]['Code']}"
        )

    def _refuse_what_cannot_succeed(self, failed: list[dict[str, Any]]) -> None:
        for row in failed:
            if row.get("SenderFault"):
                raise OrchestratorError(
                    f"{self._what} refused a message: {row['Code']}: {row.get('Message', '')}"
                )


def batches(messages: Sequence[OutgoingMessage]) -> Iterator[list[OutgoingMessage]]:
    """Cut into what one call may carry. A message above the limit goes alone: SQS names it."""
    batch: list[OutgoingMessage] = []
    size = 0
    for message in messages:
        length = len(message.body.encode())
        if batch and (len(batch) == ENTRIES_AT_ONCE or size + length > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def _outgoing(message: OutgoingMessage) -> dict[str, Any]:
    entry: dict[str, Any] = {"MessageBody": message.body}
    if message.delay:
        entry["DelaySeconds"] = message.delay
    if message.group is not None:
        entry["MessageGroupId"] = message.group[:GROUP_LENGTH]
    return entry


def _received(row: dict[str, Any]) -> ReceivedMessage:
    count = int(row["Attributes"]["ApproximateReceiveCount"])
    return ReceivedMessage(row["Body"], row["MessageId"], row["ReceiptHandle"], count)


_GONE = frozenset({"ReceiptHandleIsInvalid", "MessageNotInflight"})
"""What SQS says of a message that was deleted or has become visible."""


def _is_gone(row: dict[str, Any]) -> bool:
    """A change that came too late is none of the caller's business."""
    return str(row.get("Code", "")).removeprefix("AWS.SimpleQueueService.") in _GONE
