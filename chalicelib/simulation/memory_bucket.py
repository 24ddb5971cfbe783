"""A Bucket in memory: what the contract of `chalicelib.ports` promises, and nothing more."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping

from chalicelib.ports import PIECE_BYTES, ObjectInfo, StoredObject


class MemoryBucket:
    """A Bucket, safe to share between threads. `puts` counts what was stored; `metadata` is what
    was said about objects, by key."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, Mapping[str, str]] = {}
        self.puts = 0
        self._keys: list[str] = []
        self._lock = threading.Lock()

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        body = self.objects.get(key)
        if body is None:
            return None
        return StoredObject(key, _etag(body), body[:limit], self.metadata.get(key, {}))

    def put(self, key: str, body: bytes) -> None:
        with self._lock:
            self._store(key, body)

    def put_described(self, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        self.put(key, body)
        self.metadata[key] = metadata

    def create(self, key: str, body: bytes) -> bool:
        with self._lock:
            if key in self.objects:
                return False
            self._store(key, body)
            return True

    def replace(self, key: str, body: bytes, etag: str | None) -> str | None:
        with self._lock:
            current = self.objects.get(key)
            if etag != (None if current is None else _etag(current)):
                return None
            self._store(key, body)
            return _etag(body)

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
            matching = [key for key in keys if key.startswith(prefix)]
            return [ObjectInfo(k, _etag(self.objects[k]), len(self.objects[k])) for k in matching]

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
