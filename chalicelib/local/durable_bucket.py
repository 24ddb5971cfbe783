"""The runs bucket of the local cloud: a folder, mirrored on demand in a bucket of moto.

moto keeps objects in memory and loses them when the process ends, but claims must survive. So the
folder is the only truth. Objects are copied to moto's bucket only when a client asks for them
through the S3 endpoint: logs that nobody reads there cost no memory, and no command waits for a
copy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from chalicelib.local import moto_events
from chalicelib.local.creation_journal import Journal
from chalicelib.local.folder_bucket import path_of
from chalicelib.local.journaled_bucket import JournaledBucket
from chalicelib.ports import Bucket, ObjectInfo, StoredObject

Stamp = tuple[int, int, int]


class DurableBucket:
    """Implements `chalicelib.ports.Bucket` on `folder` and `journal`; `show` mirrors it in
    `inner`."""

    def __init__(self, inner: Bucket, folder: Path, journal: Journal) -> None:
        self._inner = inner
        self._folder = folder
        self._disk = JournaledBucket(folder, journal)
        self._shown: dict[str, Stamp] = {}
        self._lock = threading.Lock()

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        return self._disk.get(key, limit=limit)

    def put(self, key: str, body: bytes) -> None:
        self._disk.put(key, body)

    def create(self, key: str, body: bytes) -> bool:
        return self._disk.create(key, body)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        self._disk.upload(key, chunks)

    def download(self, key: str) -> Iterator[bytes] | None:
        return self._disk.download(key)

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        return self._disk.list(prefix, start_after=start_after, limit=limit)

    def delete(self, keys: Iterable[str]) -> None:
        self._disk.delete(keys)

    def show(self, prefix: str = "") -> None:
        """Update the inner bucket to the folder's objects under `prefix`. Objects that clients put
        into the inner bucket stay."""
        with self._lock:
            present = {
                key: stamp
                for key, path in self._disk.walk(prefix)
                if (stamp := _stamp(path)) is not None
            }
            for key, stamp in present.items():
                if self._shown.get(key) != stamp:
                    self._copy(key, stamp)
            gone = [k for k in self._shown if k.startswith(prefix) and k not in present]
            with moto_events.muted():
                self._inner.delete(gone)
            for key in gone:
                del self._shown[key]

    def is_shown(self, key: str) -> None:
        """Note that the inner bucket already holds this object, or no longer: the change came from
        there, with a content type that the folder does not keep."""
        stamp = _stamp(path_of(self._folder, key))
        if stamp is None:
            self._disk.forget_deleted(key)
        with self._lock:
            if stamp is None:
                self._shown.pop(key, None)
            else:
                self._shown[key] = stamp

    def _copy(self, key: str, stamp: Stamp) -> None:
        pieces = self._disk.download(key)
        if pieces is not None:
            with moto_events.muted():
                self._inner.upload(key, pieces)
            self._shown[key] = stamp


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
