"""Calls a listener for every object that is created or deleted in moto's S3, in the thread that
does it and before the request is answered.

moto's own notifications swallow errors, and a client can disable them by configuring the bucket's.
So moto's function that sends them is replaced: what the listener raises becomes the response to the
client.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.s3 import notifications

from chalicelib.local import events
from chalicelib.local.events import Event

Listener = Callable[[Event], None]

_CREATED = "s3:ObjectCreated"
_REMOVED = "s3:ObjectRemoved"
_send = notifications.send_event
_thread = threading.local()


def listen(on_event: Listener) -> None:
    """Call `on_event` from now on, besides the targets that clients have configured."""

    def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        is_created = event_name.value.startswith(_CREATED)
        if (is_created or event_name.value.startswith(_REMOVED)) and not _is_muted():
            etag = str(key.etag).strip('"')
            on_event(events.bucket_event(bucket.name, key.name, created=is_created, etag=etag))
        _send(account_id, event_name, bucket, key)

    notifications.send_event = send_event


@contextmanager
def muted() -> Iterator[None]:
    """Mute events about what this thread does in the block."""
    before = _is_muted()
    _thread.is_muted = True
    try:
        yield
    finally:
        _thread.is_muted = before


def _is_muted() -> bool:
    return bool(getattr(_thread, "is_muted", False))
