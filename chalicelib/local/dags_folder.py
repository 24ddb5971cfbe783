"""The folder of DAG files, copied into the dags bucket at the start and at every change.

Only changes are copied. A file that was uploaded over the copy, or removed from the bucket, stays
so until the file in the folder changes: what was copied last is remembered on disk.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.ports import Bucket

log = logging.getLogger("orchestrator.local")

SUFFIXES = (".yaml", ".yml")

LARGEST = 10 * 1024 * 1024
"""Bytes. Above it a file is not even copied; the parser's own limit is far below."""

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as last copied: its MD5, and its stamp if it was this process that read it."""

    etag: str
    stamp: Stamp | None = None


class DagsFolder:
    """Call `copy_changes` again and again; one thread at a time."""

    def __init__(self, folder: Path, bucket: Bucket, memory: Path) -> None:
        self._folder = folder
        self._bucket = bucket
        self._memory = memory
        self._seen = _recall(memory)
        self._complained: dict[str, Stamp] = {}

    def copy_changes(self) -> list[str]:
        """Bring the bucket up to date; the keys that were put or deleted."""
        present = dict(_files(self._folder))
        changed = [key for key, stamp in present.items() if self._copy(key, stamp)]
        removed = [key for key in self._seen if key not in present]
        for key in removed:
            self._remove(key)
        if changed or removed:
            _remember(self._memory, self._seen)
        return changed + removed

    def _copy(self, key: str, stamp: Stamp) -> bool:
        seen = self._seen.get(key)
        if (seen is not None and seen.stamp == stamp) or self._complained.get(key) == stamp:
            return False
        body = self._read(key, stamp)
        if body is None:
            return False
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        is_new = seen is None or seen.etag != etag
        if is_new:
            self._bucket.put(key, body)
        self._seen[key] = Seen(etag, stamp)
        return is_new

    def _remove(self, key: str) -> None:
        current = self._bucket.get(key, limit=0)
        if current is not None and current.etag == self._seen[key].etag:
            self._bucket.delete([key])
        del self._seen[key]

    def _read(self, key: str, stamp: Stamp) -> bytes | None:
        """None if it cannot be read, which is said once for each state of the file."""
        path = self._folder / key
        try:
            if path.stat().st_size <= LARGEST:
                return path.read_bytes()
            reason = f"it is larger than {LARGEST} bytes"
        except OSError as error:
            reason = str(error.strerror or error)
        self._complained[key] = stamp
        log.warning("%s is not copied to the dags bucket: %s", path, reason)
        return None


def _files(folder: Path) -> Iterator[tuple[str, Stamp]]:
    """The DAG files below the folder with their keys, without what is hidden."""
    for parent, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                path = Path(parent, name)
                stamp = _stamp(path)
                if stamp is not None:
                    yield path.relative_to(folder).as_posix(), stamp


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _recall(memory: Path) -> dict[str, Seen]:
    try:
        data = json.loads(memory.read_text(encoding="utf-8"))
        return {str(key): Seen(str(etag)) for key, etag in data.items()}
    except (OSError, ValueError, AttributeError):
        # Never written, or damaged: then everything is copied again, which changes nothing.
        return {}


def _remember(memory: Path, seen: dict[str, Seen]) -> None:
    scrap = memory.with_suffix(".new")
    data = {key: one.etag for key, one in seen.items()}
    scrap.write_text(json.dumps(data, indent=1), encoding="utf-8")
    scrap.replace(memory)
