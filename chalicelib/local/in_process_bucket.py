"""A Bucket on the objects of moto's S3: what the endpoint shows, without botocore between."""

from __future__ import annotations

import builtins
import heapq
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, s3_backends

from chalicelib.errors import Unavailable
from chalicelib.ports import ObjectInfo, StoredObject


class InProcessBucket:
    """Implements `chalicelib.ports.Bucket`. The bucket must exist in moto."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._backend: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        self._creating = threading.Lock()

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        with self._translated():
            stored = self._backend.get_object(self.name, key)
            return (
                None if stored is None else StoredObject(key, _etag(stored), _read(stored, limit))
            )

    def put(self, key: str, body: bytes) -> None:
        with self._translated():
            self._backend.put_object(self.name, key, body)

    def create(self, key: str, body: bytes) -> bool:
        with self._translated(), self._creating:
            if self._backend.get_object(self.name, key) is not None:
                return False
            self._backend.put_object(self.name, key, body)
            return True

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        with self._translated():
            keys = self._backend.get_bucket(self.name).keys
            # A copy, because requests at the endpoint change the dictionary meanwhile.
            names = [n for n in builtins.list(keys) if n.startswith(prefix)]
            later = (n for n in names if n.encode() > start_after.encode())
            objects = ((n, keys.get(n)) for n in heapq.nsmallest(limit, later, key=str.encode))
            return [ObjectInfo(n, _etag(o), o.size) for n, o in objects if isinstance(o, FakeKey)]

    def delete(self, keys: Iterable[str]) -> None:
        with self._translated():
            for key in keys:
                if self._backend.get_object(self.name, key) is not None:
                    self._backend.delete_object(self.name, key)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ServiceException as error:
            raise Unavailable(f"S3 bucket `{self.name}`: {error.code}") from error


def _read(stored: FakeKey, limit: int | None) -> bytes:
    # Not `stored.value`, which reads a large object whole.
    with stored.lock:
        stored._value_buffer.seek(0)
        return bytes(stored._value_buffer.read(-1 if limit is None else limit))


def _etag(key: FakeKey) -> str:
    return str(key.etag).strip('"')
