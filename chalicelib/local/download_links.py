"""Download links of the local cloud: paths of the API's server, which streams the object.

A path holds what it gives and until when, signed with a key that this process has made up: nobody
can make a link to anything else, and a restart ends them all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.ports import Bucket, Clock

PREFIX = "/downloads/"


@dataclass(frozen=True, slots=True)
class Download:
    """What a link gives; `size` in bytes."""

    file_name: str
    size: int
    pieces: Iterator[bytes]


class SignedLinks:
    """Implements `chalicelib.ports.DownloadLinks` for objects of `runs`."""

    def __init__(self, runs: Bucket, now: Clock) -> None:
        self._runs = runs
        self._now = now
        self._secret = os.urandom(32)

    def link(self, key: str, file_name: str, seconds: int) -> str:
        until = self._now().timestamp() + seconds
        said = _encode(json.dumps([key, file_name, until]).encode())
        return f"{PREFIX}{said}.{self._sign(said)}"

    def open(self, path: str) -> Download | None:
        """Return what the link with this path gives; None if it is none of ours, has expired, or
        its object is gone."""
        said, _, signature = path.removeprefix(PREFIX).partition(".")
        # Bytes, because only those may hold anything.
        if not hmac.compare_digest(signature.encode(), self._sign(said).encode()):
            return None
        key, file_name, until = json.loads(_decode(said))
        if self._now().timestamp() >= until:
            return None
        listed = self._runs.list(key, limit=1)
        pieces = self._runs.download(key)
        if pieces is None or not listed or listed[0].key != key:
            return None
        return Download(file_name, listed[0].size, pieces)

    def _sign(self, said: str) -> str:
        return hmac.new(self._secret, said.encode(), hashlib.sha256).hexdigest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """Decode what we have signed."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
