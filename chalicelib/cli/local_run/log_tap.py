"""Prints logs while they are written: each chunk that an executor stores goes to people, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from chalicelib.messages import Attempt
from chalicelib.ports import Bucket, ObjectInfo, StoredObject

OnLine = Callable[[Attempt, str], None]
"""Called with each line of an attempt's log, from any thread."""


class LogTap:
    """The runs bucket `inner`, which calls `on_line` for what is added to logs."""

    def __init__(self, inner: Bucket, on_line: OnLine) -> None:
        self._inner, self._on_line = inner, on_line
        self._attempts: dict[str, Attempt] = {}
        self._rests: dict[str, str] = {}
        self._lock = threading.Lock()

    def begin(self, attempt: Attempt) -> None:
        """Print this attempt's log from now on."""
        with self._lock:
            self._attempts[attempt.log_prefix] = attempt

    def end(self, attempt: Attempt, text: str) -> None:
        """Print `text`, which is not in the bucket, and what has no line end yet."""
        with self._lock:
            known = self._attempts.pop(attempt.log_prefix, None)
            lines = (self._rests.pop(attempt.log_prefix, "") + text).splitlines()
        for line in lines if known is not None else ():
            self._on_line(attempt, line)

    def _feed(self, key: str, body: bytes) -> None:
        prefix = key[: key.rfind("/") + 1]
        with self._lock:
            attempt = self._attempts.get(prefix)
            if attempt is None:
                return
            text = self._rests.get(prefix, "") + body.decode("utf-8", "replace")
            *lines, self._rests[prefix] = text.split("\n")
        for line in lines:
            self._on_line(attempt, line)

    def put(self, key: str, body: bytes) -> None:
        self._inner.put(key, body)
        self._feed(key, body)

    def create(self, key: str, body: bytes) -> bool:
        return self._inner.create(key, body)

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        return self._inner.get(key, limit=limit)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        self._inner.upload(key, chunks)

    def download(self, key: str) -> Iterator[bytes] | None:
        return self._inner.download(key)

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        return self._inner.list(prefix, start_after=start_after, limit=limit)

    def delete(self, keys: Iterable[str]) -> None:
        self._inner.delete(keys)
