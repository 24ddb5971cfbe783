"""A Queue on the objects of moto's SQS: what the endpoint shows, without botocore and HTTP between.

A call through botocore and moto's responses costs three milliseconds of processor time, as much as
the rest of a short task. The endpoint offers the same queues to other processes and works on the
same messages. moto's own receive takes no lock, so a client there may be given a message that is
being received here: delivery is at least once, as on SQS.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from moto.sqs.models import Message

from chalicelib.errors import OrchestratorError
from chalicelib.local.events import unique_id
from chalicelib.local.moto_queue import LocalQueue, now_ms
from chalicelib.ports import OutgoingMessage, QueueDepth, ReceivedMessage

MAX_MESSAGE_BYTES = 256 * 1024


class InProcessQueue:
    """Implements `chalicelib.ports.Queue`."""

    def __init__(self, queue: LocalQueue) -> None:
        self._queue = queue

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        sizes = [len(message.body.encode()) for message in messages]
        now = now_ms()
        accepted = [
            _outgoing(message, now)
            for message, size in zip(messages, sizes, strict=True)
            if size <= MAX_MESSAGE_BYTES
        ]
        with self._queue.changed:
            self._queue.raw_messages.extend(accepted)
            # Who wakes up takes a message, or finds that somebody else has.
            self._queue.changed.notify(len(accepted))
        largest = max(sizes, default=0)
        if largest > MAX_MESSAGE_BYTES:  # one bad message stops none of the others
            raise OrchestratorError(
                f"queue `{self._queue.name}` refused a message of {largest} bytes;"
                f" SQS accepts {MAX_MESSAGE_BYTES}"
            )

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        deadline = time.monotonic() + wait
        with self._queue.changed:
            while True:
                received = self._take(limit)
                left = deadline - time.monotonic()
                if received or left <= 0:
                    return received
                self._queue.changed.wait(min(left, self._queue.seconds_to_next()))

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        for message in messages:
            self._queue.delete_message(message.receipt)

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        receipts = {message.receipt for message in messages}
        until = now_ms() + seconds * 1000
        with self._queue.changed:
            for message in self._queue.raw_messages:
                if message.receipt_handle in receipts:
                    message.visible_at = until
            self._queue.changed.notify_all()

    def depth(self) -> QueueDepth:
        queue = self._queue
        return QueueDepth(
            visible=len(queue.messages),
            delayed=queue.approximate_number_of_messages_delayed,
            in_flight=queue.approximate_number_of_messages_not_visible,
        )

    def _take(self, limit: int) -> list[ReceivedMessage]:
        """Receive visible messages; move to the dead-letter queue what was received too often."""
        received: list[ReceivedMessage] = []
        dead: list[Message] = []
        now = now_ms()
        for message in self._queue.raw_messages:
            if len(received) == limit:
                break
            if message.visible_at >= now or message.delayed_until > now:
                continue
            if self._queue.is_exhausted(message):
                dead.append(message)
            else:
                received.append(self._receive(message, now))
        for message in dead:
            self._queue.move_to_dead_letters(message)
        return received

    def _receive(self, message: Message, now: float) -> ReceivedMessage:
        # As moto's `mark_received`, whose receipts of 185 random letters take 0.1 ms each.
        message.approximate_receive_count += 1
        message.approximate_first_receive_timestamp = (
            message.approximate_first_receive_timestamp or int(now)
        )
        message.visible_at = now + self._queue.visibility_seconds * 1000
        receipt = unique_id()
        if message.receipt_handle is not None:
            message._old_receipt_handles.append(message.receipt_handle)
        message.receipt_handle = receipt
        self._queue.pending_messages.add(message)
        count = message.approximate_receive_count
        return ReceivedMessage(message.body, message.id, receipt, count)


def _outgoing(outgoing: OutgoingMessage, now: float) -> Message:
    message = Message(unique_id(), outgoing.body)
    message.group_id = outgoing.group
    # As moto's `mark_sent`.
    message.sent_timestamp = int(now)  # type: ignore[assignment]
    message.delayed_until = now + outgoing.delay * 1000
    return message
