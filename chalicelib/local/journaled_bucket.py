"""A Bucket in a folder whose `create` costs one record in a journal, shared with others, instead of
a file and its name on the disk, each with a sync of its own.

What the journal says and no file holds yet is kept in memory. It becomes files when somebody lists,
replaces or deletes it, or all at once when the journal has become long, which then begins anew.
"""

from __future__ import annotations

import builtins
import hashlib
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.local.creation_journal import Journal, Record
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.ports import ObjectInfo, StoredObject

log = logging.getLogger("orchestrator.local")


@dataclass(slots=True)
class _Created:
    """An object that the journal says was created. Once `is_file`, the file is what counts, but
    only the journal is durable."""

    body: bytes
    is_file: bool = False


class JournaledBucket:
    """Implements `chalicelib.ports.Bucket` on `folder`, which no other process may use."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._disk = FolderBucket(folder)
        self._journal = journal
        self._lock = threading.Lock()
        self._created: dict[str, _Created] = {}
        self._is_cleaning = False
        for record in journal.read():
            if record.body is None:
                self._created.pop(record.key, None)
            else:
                self._created.setdefault(record.key, _Created(record.body))

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        with self._lock:
            created = self._created.get(key)
            if created is not None and not created.is_file:
                etag = hashlib.md5(created.body, usedforsecurity=False).hexdigest()
                return StoredObject(key, etag, created.body[:limit])
        return self._disk.get(key, limit=limit)

    def put(self, key: str, body: bytes) -> None:
        self._make_files([key])
        self._disk.put(key, body)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        self._make_files([key])
        self._disk.upload(key, chunks)

    def download(self, key: str) -> Iterator[bytes] | None:
        self._make_files([key])
        return self._disk.download(key)

    def create(self, key: str, body: bytes) -> bool:
        with self._lock:
            if key in self._created or self._disk.has(key):
                return False
            self._created[key] = _Created(body)
        try:
            self._journal.add(Record(key, body))
        except BaseException:
            with self._lock:
                self._created.pop(key, None)
            raise
        if self._journal.is_long():
            self._clean_up()
        return True

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        self._make_files(self._created_below(prefix))
        return self._disk.list(prefix, start_after=start_after, limit=limit)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Path]]:
        """Every key that begins with `prefix`, with its file, in no order."""
        self._make_files(self._created_below(prefix))
        return self._disk.walk(prefix)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._make_files([key])
            self._disk.delete([key])
            self.forget_deleted(key)

    def forget_deleted(self, key: str) -> None:
        """Note that the file of `key` was deleted: the journal must not bring it back."""
        with self._lock:
            is_journaled = self._created.pop(key, None) is not None
        if is_journaled:
            self._journal.add(Record(key, None))

    def _created_below(self, prefix: str) -> builtins.list[str]:
        with self._lock:
            return [key for key in self._created if key.startswith(prefix)]

    def _make_files(self, keys: Iterable[str]) -> None:
        """Make a file of each object that only the journal and the memory have."""
        for key in keys:
            with self._lock:
                created = self._created.get(key)
                if created is not None and not created.is_file:
                    if not self._disk.has(key):
                        self._disk.put(key, created.body)
                    created.is_file = True

    def _clean_up(self) -> None:
        """Clean up in a thread of its own: a sync of all files may take seconds."""
        with self._lock:
            if self._is_cleaning:
                return
            self._is_cleaning = True
        threading.Thread(target=self._cleaned_up, name="creation-journal", daemon=True).start()

    def _cleaned_up(self) -> None:
        try:
            self.store_created()
        except Exception:
            log.exception("the journal of claims could not be shortened and grows on")
        finally:
            self._is_cleaning = False

    def store_created(self) -> None:
        """Make durable files of all that the journal holds, and begin it anew."""
        files = self._journal.begin_file()
        with self._lock:
            stored = dict(self._created)
        self._make_files(stored)
        os.sync()
        self._journal.remove(files)
        with self._lock:
            for key, created in stored.items():
                if self._created.get(key) is created:  # not created anew meanwhile
                    del self._created[key]
