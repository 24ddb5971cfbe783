"""moto's SQS queue, made safe for threads and fast with a backlog.

moto 5.2's own class has these problems:
- deleting builds a new list beside the old one; if two threads delete while a third one sends, the
  sent message is lost;
- sending a message computes all attributes of the queue, three of which scan all its messages:
  50 ms for a batch of ten with some hundred messages waiting;
- every message and every receipt is kept for ever, and a delayed message becomes visible up to a
  second late.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Self

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import camelcase_to_underscores
from moto.s3.models import FakeKey
from moto.sqs.models import Message, Queue, sqs_backends

RECEIVES = 3


def now_ms() -> float:
    """The time as moto's messages have it, in milliseconds since the epoch. moto's own function
    takes ten times as long."""
    return time.time() * 1000


class LocalQueue(Queue):
    """A queue of the local cloud, in moto's backend, so that the endpoint shows it too."""

    @classmethod
    def create(
        cls, name: str, region: str, visibility: int, dead_letters: LocalQueue | None = None
    ) -> Self:
        """Create a queue in moto's backend. `visibility` is in seconds; a message that was received
        RECEIVES times without being deleted moves to `dead_letters`, if given."""
        attributes: dict[str, Any] = {"VisibilityTimeout": visibility}
        if dead_letters is not None:
            target = dead_letters.queue_arn
            attributes["RedrivePolicy"] = {
                "deadLetterTargetArn": target,
                "maxReceiveCount": RECEIVES,
            }
        queue = cls(name, region, DEFAULT_ACCOUNT_ID, **attributes)
        sqs_backends[DEFAULT_ACCOUNT_ID][region].queues[name] = queue
        return queue

    @property
    def changed(self) -> threading.Condition:
        """Notified after a message was added. Held while messages are received or deleted."""
        return self._messages_lock

    @property
    def raw_messages(self) -> list[Message]:
        """Return all messages, visible or not; to be used while `changed` is held."""
        return self._messages

    @property
    def visibility_seconds(self) -> float:
        return float(self.visibility_timeout)  # type: ignore[attr-defined]

    def is_exhausted(self, message: Message) -> bool:
        """Whether the message was received so often that the dead-letter queue gets it next."""
        policy = self.redrive_policy
        if self.dead_letter_queue is None or not policy:
            return False
        return message.approximate_receive_count >= int(policy["maxReceiveCount"])

    def move_to_dead_letters(self, message: Message) -> None:
        """Move a message to the dead-letter queue; to be used while `changed` is held."""
        self._messages.remove(message)
        self.pending_messages.discard(message)
        if self.dead_letter_queue is not None:
            self.dead_letter_queue.add_message(message)

    @property
    def attributes(self) -> Mapping[str, Any]:  # type: ignore[override]
        return _Attributes(self)

    @property
    def messages(self) -> list[Message]:
        now = now_ms()
        return [m for m in list(self._messages) if m.visible_at < now and m.delayed_until <= now]

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        now = now_ms()
        return sum(m.delayed_until > now for m in list(self._messages))

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        now = now_ms()
        return sum(m.visible_at >= now for m in list(self._messages))

    def delete_message(self, receipt_handle: str) -> None:
        """Delete a message. One that no longer exists is not an error, as on AWS."""
        with self._messages_lock:
            for place, message in enumerate(self._messages):
                if message.receipt_handle == receipt_handle or message.had_receipt_handle(
                    receipt_handle
                ):
                    del self._messages[place]
                    self.pending_messages.discard(message)
                    return

    def wait_for_messages(self, timeout: int) -> None:
        with self._messages_lock:
            if not self.messages:
                self._messages_lock.wait(min(timeout, self.seconds_to_next()))

    def seconds_to_next(self) -> float:
        """Seconds until a delayed or received message may become visible: a second at most while
        there are any, because a client of the endpoint can make one visible early."""
        if not self._messages:
            return math.inf
        now = now_ms()
        moments = [max(m.visible_at, m.delayed_until) for m in self._messages]
        # A millisecond more: moto's comparison is a strict one.
        return max(min((m for m in moments if m > now), default=now + 1000.0) - now + 1, 1) / 1000


class _Attributes(Mapping[str, Any]):
    """Computes each attribute when it is read."""

    def __init__(self, queue: LocalQueue) -> None:
        self._queue = queue

    def __getitem__(self, name: str) -> Any:
        if name not in self._names():
            raise KeyError(name)
        value = getattr(self._queue, camelcase_to_underscores(name), None)
        if name == "RedrivePolicy" and value is not None:
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        return list(self._queue.BASE_ATTRIBUTES)


class _Forgetful(list[Any]):
    """Discards what is appended."""

    def append(self, _item: Any) -> None:
        pass


def forget_instances() -> None:
    """Stop moto from listing every instance of its models for its own console, which leaks
    memory."""
    models: tuple[Any, ...] = (Message, FakeKey)
    for model in models:
        model.instances_tracked = _Forgetful()
