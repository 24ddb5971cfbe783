"""The dags bucket's other half: its events, and its copy on disk.

moto tells an SQS queue of every change, whoever made it, while the request that made it is under
way. A queue of our own kind takes that call, so the copy is on disk before the uploader gets the
answer.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from moto.sqs.models import Message

from chalicelib.errors import OrchestratorError
from chalicelib.local import events
from chalicelib.local.events import Event
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.local.moto_queue import LocalQueue
from chalicelib.ports import Bucket

log = logging.getLogger("orchestrator.local")


class EventQueue(LocalQueue):
    """Keeps nothing: calls `on_event` with each S3 event."""

    on_event: Callable[[Event], None] | None = None

    def add_message(self, message: Message) -> None:
        event = json.loads(message.body)
        if self.on_event is not None and "Records" in event:
            self.on_event(event)


class KeptBucket:
    """Keeps a copy of `bucket` in `folder`."""

    def __init__(self, name: str, bucket: Bucket, folder: Path) -> None:
        self._name = name
        self._bucket = bucket
        self._copy = FolderBucket(folder)
        self._lock = threading.Lock()

    def restore(self) -> list[Event]:
        """Put the copy into the bucket, which must be empty; an event for each object, because
        nobody may have listened when it came."""
        restored = []
        for key, _ in sorted(self._copy.walk()):
            found = self._copy.get(key)
            if found is not None:
                self._bucket.put(key, found.body)
                event = events.of_the_bucket(self._name, key, created=True, etag=found.etag)
                restored.append(event)
        return restored

    def keep(self, event: Event) -> None:
        """Make the copy as the bucket is now, which may be newer than the event."""
        for record in event["Records"]:
            key = events.key_of_record(record)
            try:
                with self._lock:
                    self._keep_object(key)
            except (OSError, OrchestratorError) as error:
                # The uploader cannot be told: moto swallows what is raised here.
                log.error("%s is not kept for the next start: %s", key, error)

    def _keep_object(self, key: str) -> None:
        found = self._bucket.get(key)
        if found is None:
            self._copy.delete([key])
        else:
            self._copy.put(key, found.body)
