"""A copy of a bucket on disk, written before the request that changes the bucket is answered."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.local import events, moto_events
from chalicelib.local.events import Event
from chalicelib.local.folder_bucket import FolderBucket, path_of
from chalicelib.local.in_process_bucket import InProcessBucket
from chalicelib.ports import Bucket

log = logging.getLogger("orchestrator.local")


_EXECUTABLE = {"mode": "0755"}


class NotPersisted(Unavailable):
    """The copy could not be written, so the change to the bucket was undone."""


class PersistentBucket:
    """Keeps a copy of `bucket` in `folder`. Calls `on_persisted` with each key whose copy was
    written."""

    def __init__(
        self,
        name: str,
        bucket: Bucket,
        folder: Path,
        on_persisted: Callable[[str], None] = lambda _key: None,
    ) -> None:
        self._name = name
        self._bucket = bucket
        self._folder = folder
        self._copy = FolderBucket(folder)
        self._lock = threading.Lock()
        self._undone: dict[str, str | None] = {}
        self._is_synced = True
        self._on_kept = on_persisted

    def is_empty(self) -> bool:
        """Whether the copy holds no object."""
        return next(self._copy.walk(), None) is None

    def restore(self) -> list[Event]:
        """Load the copy into the bucket, which must be empty. Returns an event for each object,
        because an earlier process may have died before handling it."""
        restored = []
        for key, path in sorted(self._copy.walk()):
            try:
                stored = self._copy.get(key)
            except OSError as error:
                log.error("skipping %s, which cannot be read: %s", path, error)
                continue
            if stored is not None:
                with moto_events.muted():
                    self._put_back(key, path, stored.body)
                event = events.bucket_event(self._name, key, created=True, etag=stored.etag)
                restored.append(event)
        return restored

    def keep(self, event: Event) -> None:
        """Copy the objects of the event as they are now, which may be newer than the event. If that
        fails, undoes the change to the bucket and raises NotPersisted."""
        for record in event["Records"]:
            key = events.key_of_record(record)
            with self._lock, moto_events.muted():
                try:
                    self._keep_object(key, _etag_after(record))
                except (OSError, OrchestratorError) as error:
                    self._take_back(key)
                    raise _not_kept(key, error) from error

    @contextmanager
    def synced_at_end(self) -> Iterator[None]:
        """Sync all copies once at the end instead of one by one: a thousand files take ten seconds
        otherwise. Until then the copies survive a crash of this process, not a power failure."""
        self._is_synced = False
        try:
            yield
        finally:
            self._is_synced = True
            os.sync()

    def _keep_object(self, key: str, wanted: str | None) -> None:
        stored = self._bucket.get(key)
        etag = None if stored is None else stored.etag
        if etag != wanted and key in self._undone and self._undone[key] == etag:
            raise NotPersisted("another change to it at the same time could not be stored")
        if stored is None:
            self._copy.delete([key], sync=self._is_synced)
        else:
            self._copy.put(key, stored.body, sync=self._is_synced)
            if _is_executable(stored.metadata):
                path_of(self._folder, key).chmod(0o755)
        self._undone.pop(key, None)
        self._on_kept(key)

    def _put_back(self, key: str, path: Path, body: bytes) -> None:
        """The copy keeps no metadata but whether the file is executable, in its own mode."""
        if isinstance(self._bucket, InProcessBucket) and os.access(path, os.X_OK):
            self._bucket.put_described(key, body, _EXECUTABLE)
        else:
            self._bucket.put(key, body)

    def _take_back(self, key: str) -> None:
        try:
            before = self._copy.get(key)
            if before is None:
                self._bucket.delete([key])
            else:
                self._bucket.put(key, before.body)
            self._undone[key] = before.etag if before else None
        except (OSError, OrchestratorError) as error:
            log.error("%s may differ from its copy on disk until the next start: %s", key, error)


def _is_executable(metadata: Mapping[str, str]) -> bool:
    return metadata.get("mode") == _EXECUTABLE["mode"]


def _etag_after(record: dict[str, Any]) -> str | None:
    """The ETag in the bucket after the event; None if the object was deleted."""
    is_created = str(record["eventName"]).startswith("ObjectCreated")
    return str(record["s3"]["object"]["eTag"]) if is_created else None


def _not_kept(key: str, error: Exception) -> NotPersisted:
    reason = error.message if isinstance(error, OrchestratorError) else _reason(error)
    return NotPersisted(
        f"{key} was not changed: {reason}; make sure that the folder of ORCHESTRATOR_HOME is"
        " writable and has free space"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)


class PersistentBuckets:
    """The copies of all buckets: those in `known`, and below `folder` those that users create."""

    def __init__(
        self, known: dict[str, PersistentBucket], folder: Path, open_bucket: Callable[[str], Bucket]
    ) -> None:
        self._known = dict(known)
        self._folder = folder
        self._open = open_bucket
        self._lock = threading.Lock()

    def restore_others(self, create: Callable[[str], object]) -> None:
        """Restore the non-empty buckets that users created. `create` creates an empty bucket."""
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            bucket = self._of(folder.name)
            if not bucket.is_empty():
                create(folder.name)
                bucket.restore()

    def keep(self, event: Event) -> None:
        """See `PersistentBucket.keep`; for any bucket."""
        name = events.bucket_of(event)
        try:
            bucket = self._of(name)
        except OSError as error:
            raise _not_kept(name, error) from error
        bucket.keep(event)

    def _of(self, name: str) -> PersistentBucket:
        with self._lock:
            if name not in self._known:
                self._known[name] = PersistentBucket(name, self._open(name), self._folder / name)
            return self._known[name]
