"""Ports in memory: small, exact about the contract, and on a clock that the test moves.

They hold what the contract of `chalicelib.ports` promises and nothing more; the contract suite
runs against them as it runs against S3 and SQS.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.claims import Claim
from chalicelib.messages import Attempt
from chalicelib.ports import (
    PIECE_BYTES,
    Clock,
    ObjectInfo,
    OutgoingMessage,
    QueueDepth,
    ReceivedMessage,
    StoredObject,
)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, moment: datetime = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class FakeBucket:
    """A Bucket in memory, safe to share between threads. `puts` counts what was stored."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts = 0
        self._keys: list[str] = []
        self._lock = threading.Lock()

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        body = self.objects.get(key)
        if body is None:
            return None
        return StoredObject(key, _etag(body), body[:limit])

    def put(self, key: str, body: bytes) -> None:
        with self._lock:
            self._store(key, body)

    def create(self, key: str, body: bytes) -> bool:
        with self._lock:
            if key in self.objects:
                return False
            self._store(key, body)
            return True

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        self.put(key, b"".join(chunks))

    def download(self, key: str) -> Iterator[bytes] | None:
        body = self.objects.get(key)
        if body is None:
            return None
        return (body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES))

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        with self._lock:
            first = max(bisect_left(self._keys, prefix), bisect_right(self._keys, start_after))
            keys = self._keys[first : first + limit]
            found = [key for key in keys if key.startswith(prefix)]
            return [ObjectInfo(k, _etag(self.objects[k]), len(self.objects[k])) for k in found]

    def delete(self, keys: Iterable[str]) -> None:
        with self._lock:
            for key in keys:
                if self.objects.pop(key, None) is not None:
                    del self._keys[bisect_left(self._keys, key)]

    def _store(self, key: str, body: bytes) -> None:
        self.puts += 1
        if key not in self.objects:
            insort(self._keys, key)
        self.objects[key] = bytes(body)


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class _Held:
    """A message in the queue: out of sight until `visible_at`."""

    message: OutgoingMessage
    message_id: str
    visible_at: datetime
    receive_count: int = 0
    receipt: str = ""


class FakeClaims:
    """Claims in memory, beside every bucket."""

    def __init__(self) -> None:
        self.taken: dict[Attempt, Claim] = {}
        self.cancels: set[Attempt] = set()
        self._lock = threading.Lock()

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        with self._lock:
            standing = self.taken.setdefault(attempt, claim)
        return None if standing.token == claim.token else standing

    def is_taken(self, attempt: Attempt) -> bool:
        return attempt in self.taken

    def request_cancel(self, attempt: Attempt, at: float) -> None:
        self.cancels.add(attempt)

    def is_cancel_requested(self, attempt: Attempt) -> bool:
        return attempt in self.cancels


class FakeQueue:
    """A Queue in memory. It never waits: only its clock can make a hidden message appear.

    A message that was received comes back `visibility` seconds later unless it is deleted.
    """

    def __init__(self, now: Clock, *, visibility: float = 60.0) -> None:
        self._now = now
        self._visibility = timedelta(seconds=visibility)
        self._held: dict[str, _Held] = {}
        self._sent = 0
        self._lock = threading.Lock()

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        with self._lock:
            for message in messages:
                self._sent += 1
                visible_at = self._now() + timedelta(seconds=message.delay)
                message_id = f"message-{self._sent}"
                self._held[message_id] = _Held(message, message_id, visible_at)

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        with self._lock:
            now = self._now()
            ready = [held for held in self._held.values() if held.visible_at <= now]
            return [self._hand_out(held, now) for held in ready[:limit]]

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        with self._lock:
            for message in messages:
                self._held.pop(message.message_id, None)

    def depth(self) -> QueueDepth:
        with self._lock:
            now = self._now()
            hidden = [held for held in self._held.values() if held.visible_at > now]
            delayed = sum(held.receive_count == 0 for held in hidden)
            visible = len(self._held) - len(hidden)
            return QueueDepth(visible, delayed, len(hidden) - delayed)

    def bodies(self) -> list[str]:
        """What lies in the queue, in the order sent, hidden or not; nothing is received by it."""
        with self._lock:
            return [held.message.body for held in self._held.values()]

    def _hand_out(self, held: _Held, now: datetime) -> ReceivedMessage:
        held.receive_count += 1
        held.visible_at = now + self._visibility
        held.receipt = f"{held.message_id}/{held.receive_count}"
        return ReceivedMessage(held.message.body, held.message_id, held.receipt, held.receive_count)
