"""A Bucket on the objects of moto's S3: what the endpoint shows, without botocore between."""

from __future__ import annotations

import builtins
import heapq
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3 import notifications
from moto.s3.models import FakeKey, s3_backends

from chalicelib.errors import Unavailable
from chalicelib.local.aws_env import REGION
from chalicelib.ports import PIECE_BYTES, ObjectInfo, StoredObject

SPOOL_BYTES = 4 * 1024 * 1024
"""A larger object is kept in a temporary file, as moto does."""


def create_bucket(name: str) -> None:
    """Create a bucket in moto, as a client would."""
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, REGION)


class InProcessBucket:
    """Implements `chalicelib.ports.Bucket`. The bucket must exist in moto."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._backend: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        # Reentrant: whoever listens to changes may take one back.
        self._changing = threading.RLock()

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        with self._translated():
            stored = self._backend.get_object(self.name, key)
            if stored is None:
                return None
            return StoredObject(key, _etag(stored), _read(stored, limit), _metadata(stored))

    def put(self, key: str, body: bytes) -> None:
        with self._translated(), self._changing:
            self._backend.put_object(self.name, key, body)

    def put_described(self, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        """Store, with what is to be said about it."""
        with self._translated(), self._changing:
            self._put_described(key, body, metadata)

    def _put_described(self, key: str, body: bytes, metadata: Mapping[str, str]) -> None:
        bucket = self._backend.get_bucket(self.name)
        stored = FakeKey(key, body, DEFAULT_ACCOUNT_ID, bucket.region_name, bucket_name=self.name)
        stored.set_metadata(dict(metadata))
        self._announce(bucket, key, stored)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        spool = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - moto closes it
        for chunk in chunks:
            spool.write(chunk)
        with self._translated():
            bucket = self._backend.get_bucket(self.name)
            stored = FakeKey(
                key, b"", DEFAULT_ACCOUNT_ID, bucket.region_name, bucket_name=self.name
            )
            stored._value_buffer, stored.contentsize = spool, spool.tell()
            self._announce(bucket, key, stored)

    def _announce(self, bucket: Any, key: str, stored: FakeKey) -> None:
        bucket.keys.setlist(key, [stored])
        created = notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT
        notifications.send_event(DEFAULT_ACCOUNT_ID, created, bucket, stored)

    def download(self, key: str) -> Iterator[bytes] | None:
        with self._translated():
            stored = self._backend.get_object(self.name, key)
        return None if stored is None else _pieces(stored)

    def create(self, key: str, body: bytes) -> bool:
        with self._translated(), self._changing:
            if self._backend.get_object(self.name, key) is not None:
                return False
            self._backend.put_object(self.name, key, body)
            return True

    def replace(self, key: str, body: bytes, etag: str | None) -> str | None:
        with self._translated(), self._changing:
            current = self._backend.get_object(self.name, key)
            if etag != (None if current is None else _etag(current)):
                return None
            return _etag(self._backend.put_object(self.name, key, body))

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


def _pieces(stored: FakeKey) -> Iterator[bytes]:
    position = 0
    while True:
        with stored.lock:
            stored._value_buffer.seek(position)
            piece = bytes(stored._value_buffer.read(PIECE_BYTES))
        if not piece:
            return
        position += len(piece)
        yield piece


def _metadata(key: FakeKey) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in dict(key.metadata).items()}


def _etag(key: FakeKey) -> str:
    return str(key.etag).strip('"')
