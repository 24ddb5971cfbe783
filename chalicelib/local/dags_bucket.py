"""A bucket's other half: its copy on disk, made before whoever changes the bucket is answered."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.local import events, moto_events
from chalicelib.local.events import Event
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.ports import Bucket

log = logging.getLogger("orchestrator.local")


class NotKept(Unavailable):
    """The copy could not be made, so the bucket is as it was before."""


class KeptBucket:
    """Keeps a copy of `bucket` in `folder`. `on_kept` is called with each key whose copy was
    made."""

    def __init__(
        self,
        name: str,
        bucket: Bucket,
        folder: Path,
        on_kept: Callable[[str], None] = lambda _key: None,
    ) -> None:
        self._name = name
        self._bucket = bucket
        self._copy = FolderBucket(folder)
        self._lock = threading.Lock()
        self._undone: dict[str, str | None] = {}
        self._is_synced = True
        self._on_kept = on_kept

    def is_empty(self) -> bool:
        """Whether the copy holds nothing."""
        return next(self._copy.walk(), None) is None

    def restore(self) -> list[Event]:
        """Put the copy into the bucket, which must be empty; an event for each object, because
        nobody may have listened when it came."""
        restored = []
        for key, path in sorted(self._copy.walk()):
            try:
                found = self._copy.get(key)
            except OSError as error:
                log.error("%s cannot be read, and is left out: %s", path, error)
                continue
            if found is not None:
                with moto_events.unheard():
                    self._bucket.put(key, found.body)
                event = events.of_the_bucket(self._name, key, created=True, etag=found.etag)
                restored.append(event)
        return restored

    def keep(self, event: Event) -> None:
        """Make the copy as the bucket is now, which may be newer than the event. Raises NotKept if
        that cannot be done, and takes the change back."""
        for record in event["Records"]:
            key = events.key_of_record(record)
            with self._lock, moto_events.unheard():
                try:
                    self._keep_object(key, _etag_after(record))
                except (OSError, OrchestratorError) as error:
                    self._take_back(key)
                    raise _not_kept(key, error) from error

    @contextmanager
    def synced_at_the_end(self) -> Iterator[None]:
        """Meanwhile copies outlive this process, and after it the machine's power, too: syncing
        each of a thousand files takes ten seconds."""
        self._is_synced = False
        try:
            yield
        finally:
            self._is_synced = True
            os.sync()

    def _keep_object(self, key: str, wanted: str | None) -> None:
        found = self._bucket.get(key)
        etag = None if found is None else found.etag
        if etag != wanted and key in self._undone and self._undone[key] == etag:
            raise NotKept("another change of it could not be stored at the same moment")
        if found is None:
            self._copy.delete([key], sync=self._is_synced)
        else:
            self._copy.put(key, found.body, sync=self._is_synced)
        self._undone.pop(key, None)
        self._on_kept(key)

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


def _etag_after(record: dict[str, Any]) -> str | None:
    """What the bucket holds if nothing has happened since: None for nothing."""
    is_created = str(record["eventName"]).startswith("ObjectCreated")
    return str(record["s3"]["object"]["eTag"]) if is_created else None


def _not_kept(key: str, error: Exception) -> NotKept:
    reason = error.message if isinstance(error, OrchestratorError) else _reason(error)
    return NotKept(
        f"{key} is as it was: {reason}; see to it that the folder of ORCHESTRATOR_HOME has room and"
        " can be written to"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)


class KeptBuckets:
    """The copies of all buckets: one of its own for each that is named in `known`, the others', as
    users make them, below `folder`."""

    def __init__(
        self, known: dict[str, KeptBucket], folder: Path, open_bucket: Callable[[str], Bucket]
    ) -> None:
        self._known = dict(known)
        self._folder = folder
        self._open = open_bucket
        self._lock = threading.Lock()

    def restore_others(self, create: Callable[[str], object]) -> None:
        """Make the buckets again that users made and put something into; `create` makes an empty
        one."""
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            bucket = self._of(folder.name)
            if not bucket.is_empty():
                create(folder.name)
                bucket.restore()

    def keep(self, event: Event) -> None:
        """As `KeptBucket.keep`, for any bucket."""
        name = events.bucket_of(event)
        try:
            bucket = self._of(name)
        except OSError as error:
            raise _not_kept(name, error) from error
        bucket.keep(event)

    def _of(self, name: str) -> KeptBucket:
        with self._lock:
            if name not in self._known:
                self._known[name] = KeptBucket(name, self._open(name), self._folder / name)
            return self._known[name]
