"""Ports that wait until what is behind them is built: the API answers before moto is loaded.

Only what needs a queue or a bucket waits; what the API reads from the database does not.
"""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from chalicelib.ports import (
    Bucket,
    EditableBucket,
    ObjectInfo,
    OutgoingMessage,
    Queue,
    QueueDepth,
    ReceivedMessage,
    StoredObject,
)

T = TypeVar("T")


class Late(Generic[T]):
    """A value that another thread is making. Should that fail, it ends the process."""

    def __init__(self) -> None:
        self._is_there = threading.Event()
        self._values: list[T] = []

    def set(self, value: T) -> None:
        self._values.append(value)
        self._is_there.set()

    def get(self) -> T:
        """Waits for it."""
        self._is_there.wait()
        return self._values[0]


class LateQueue:
    """Implements `chalicelib.ports.Queue`."""

    def __init__(self, queue: Callable[[], Queue]) -> None:
        self._queue = queue

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        self._queue().send(messages)

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        return self._queue().receive(limit, wait=wait)

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        self._queue().delete(messages)

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        self._queue().hide(messages, seconds)

    def depth(self) -> QueueDepth:
        return self._queue().depth()


class LateEditableBucket:
    """Implements `chalicelib.ports.EditableBucket`."""

    def __init__(self, bucket: Callable[[], EditableBucket]) -> None:
        self._bucket = bucket

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        return self._bucket().get(key, limit=limit)

    def replace(self, key: str, body: bytes, etag: str | None) -> str | None:
        return self._bucket().replace(key, body, etag)


class LateBucket:
    """Implements `chalicelib.ports.Bucket`."""

    def __init__(self, bucket: Callable[[], Bucket]) -> None:
        self._bucket = bucket

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        return self._bucket().get(key, limit=limit)

    def put(self, key: str, body: bytes) -> None:
        self._bucket().put(key, body)

    def create(self, key: str, body: bytes) -> bool:
        return self._bucket().create(key, body)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        self._bucket().upload(key, chunks)

    def download(self, key: str) -> Iterator[bytes] | None:
        return self._bucket().download(key)

    def list(
        self, prefix: str, *, start_after: str = "", limit: int = 1000
    ) -> builtins.list[ObjectInfo]:
        return self._bucket().list(prefix, start_after=start_after, limit=limit)

    def delete(self, keys: Iterable[str]) -> None:
        self._bucket().delete(keys)
