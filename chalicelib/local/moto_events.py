"""Every object that is made or removed in moto's S3, told in the thread that does it and before
anybody is answered.

moto's own notifications swallow what goes wrong, and a client can take them away by configuring the
bucket's. So its one function that sends them is replaced: what the listener raises is what the
client, outside or inside this process, is answered.
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
    """Call `on_event` from now on, and nobody else but whom clients have configured."""

    def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        is_created = event_name.value.startswith(_CREATED)
        if (is_created or event_name.value.startswith(_REMOVED)) and not _is_unheard():
            etag = str(key.etag).strip('"')
            on_event(events.of_the_bucket(bucket.name, key.name, created=is_created, etag=etag))
        _send(account_id, event_name, bucket, key)

    notifications.send_event = send_event


@contextmanager
def unheard() -> Iterator[None]:
    """What this thread does meanwhile is not told."""
    before = _is_unheard()
    _thread.is_unheard = True
    try:
        yield
    finally:
        _thread.is_unheard = before


def _is_unheard() -> bool:
    return bool(getattr(_thread, "is_unheard", False))
