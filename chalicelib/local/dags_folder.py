"""Copies the folder of DAG files to the dags bucket at startup and after every change, with the
files that those want beside them.

Only changes are copied. A file that was uploaded over the copy, or removed from the bucket, stays
so until the file in the folder changes: what was copied last is remembered on disk.

An entry that cannot be copied stops no other one. It becomes a complaint, which `FolderedBucket`
shows to the scheduler as an object that cannot be read, and so to people as an import error.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chalicelib.errors import OrchestratorError, UnreadableObject
from chalicelib.local.files_beside import Pattern, files_beside
from chalicelib.local.folder_scan import LARGEST, Entry, Odd, Scan, Stamp, read_file, scan
from chalicelib.ports import Bucket, ObjectInfo, StoredObject

log = logging.getLogger("orchestrator.local")

_EXECUTABLE = "+x"

__all__ = ["LARGEST", "DagsFolder", "FolderedBucket"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as last copied: its MD5, whether it is executable, and its stamp if this process read
    it."""

    etag: str
    is_executable: bool = False
    stamp: Stamp | None = None

    @classmethod
    def decode(cls, text: str) -> Seen:
        return cls(text.removesuffix(_EXECUTABLE), text.endswith(_EXECUTABLE))

    def encode(self) -> str:
        return self.etag + (_EXECUTABLE if self.is_executable else "")


class Target(Bucket, Protocol):
    """The dags bucket."""

    def put_described(self, key: str, body: bytes, metadata: Mapping[str, str]) -> None: ...


class DagsFolder:
    """Copies the DAGs folder to the bucket; `copy_changes` polls, one thread at a time. Calls
    `on_complaint` with the key of an entry when it can no longer be copied, and again when it can.
    """

    def __init__(
        self,
        folder: Path,
        bucket: Target,
        memory: Path,
        patterns_in: Callable[[bytes], Sequence[Pattern] | None] = lambda _source: (),
    ) -> None:
        self._folder = folder
        self._bucket = bucket
        self._memory = memory
        self._patterns_in = patterns_in
        self._wanted: dict[str, tuple[Stamp, Sequence[Pattern]]] = {}
        self._seen = _recall(memory)
        self._complaints: dict[str, str] = {}
        self.on_complaint: Callable[[str], None] = lambda _key: None

    def copy_changes(self) -> list[str]:
        """Update the bucket. Returns the keys that were put or deleted."""
        listing = scan(self._folder)
        self._add_files_beside(listing)
        changed = [entry.key for entry in listing.entries.values() if self._copy(entry)]
        missing = [key for key in self._seen if key not in listing.entries and listing.covers(key)]
        removed = [key for key in missing if self._remove(key)]
        for key in [key for key in self._complaints if key not in listing.entries]:
            if key not in self._seen:
                self._withdraw(key)
        if changed or removed:
            self._remember()
        return changed + removed

    def _add_files_beside(self, listing: Scan) -> None:
        """Put what the DAG files want before them, so that it is there when they are registered."""
        files: dict[str, Entry] = {}
        for entry in listing.entries.values():
            if entry.reason is None:
                files |= files_beside(self._folder, entry.key, self._patterns_of(entry))
        self._wanted = {key: row for key, row in self._wanted.items() if key in listing.entries}
        listing.entries = {
            **{key: entry for key, entry in files.items() if key not in listing.entries},
            **listing.entries,
        }

    def _patterns_of(self, entry: Entry) -> Sequence[Pattern]:
        stamp, patterns = self._wanted.get(entry.key, (None, ()))
        if stamp != entry.stamp:
            try:
                found = self._patterns_in(read_file(entry.path)[0])
            except (OSError, Odd):
                return patterns
            # One that is broken for now keeps what it wanted.
            self._wanted[entry.key] = entry.stamp, patterns if found is None else found
        return self._wanted[entry.key][1]

    def complaint(self, key: str, etag: str | None) -> str | None:
        """Returns why the bucket's object, with this ETag, is not the folder's file; None if it is,
        or if a user has uploaded another one since."""
        seen = self._seen.get(key)
        if etag is not None and (seen is None or seen.etag != etag):
            return None
        return self._complaints.get(key)

    def complaints(self) -> list[str]:
        """Returns the keys of all entries that cannot be copied."""
        return sorted(self._complaints)

    def _copy(self, entry: Entry) -> bool:
        seen = self._seen.get(entry.key)
        if entry.reason is not None:
            self._complain(entry.key, entry.reason)
            return False
        if seen is not None and seen.stamp == entry.stamp:
            self._withdraw(entry.key)
            return False
        return self._tried(entry.key, lambda: self._copy_file(entry, seen))

    def _copy_file(self, entry: Entry, seen: Seen | None) -> bool:
        try:
            body, stamp = read_file(entry.path, entry.largest)
        except FileNotFoundError:
            return False  # since it was listed; the next look sees it
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        is_executable = stamp[-1]
        is_new = seen is None or (seen.etag, seen.is_executable) != (etag, is_executable)
        if is_new and is_executable:
            self._bucket.put_described(entry.key, body, {"mode": "0755"})
        elif is_new:
            self._bucket.put(entry.key, body)
        self._seen[entry.key] = Seen(etag, is_executable, stamp)
        return is_new

    def _remove(self, key: str) -> bool:
        def remove() -> bool:
            current = self._bucket.get(key, limit=0)
            if current is not None and current.etag == self._seen[key].etag:
                self._bucket.delete([key])
            del self._seen[key]
            return True

        return self._tried(key, remove)

    def _tried(self, key: str, act: Callable[[], bool]) -> bool:
        """Returns False and records a complaint if it fails; the next scan tries again."""
        try:
            done = act()
        except Odd as error:
            self._complain(key, str(error))
        except OSError as error:
            self._complain(key, f"it cannot be read: {error.strerror or error}")
        except OrchestratorError as error:
            self._complain(key, error.message)
        except Exception as error:
            self._complain(key, f"it cannot be copied: {error!r}")
        else:
            self._withdraw(key)
            return done
        return False

    def _complain(self, key: str, reason: str) -> None:
        """Log each reason once."""
        if self._complaints.get(key) != reason:
            self._complaints[key] = reason
            log.warning("%s is not copied to the dags bucket: %s", self._folder / key, reason)
            self.on_complaint(key)

    def _withdraw(self, key: str) -> None:
        if self._complaints.pop(key, None) is not None:
            self.on_complaint(key)

    def _remember(self) -> None:
        scrap = self._memory.with_suffix(".new")
        data = {key: seen.encode() for key, seen in self._seen.items()}
        try:
            scrap.write_text(json.dumps(data, indent=1), encoding="utf-8")
            scrap.replace(self._memory)
        except OSError as error:
            log.warning("what was copied is not remembered for the next start: %s", error)


class FolderedBucket:
    """Implements `chalicelib.ports.Bucket`: the dags bucket, in which every entry that cannot be
    copied appears as an object that cannot be read."""

    def __init__(self, bucket: Bucket, folder: DagsFolder) -> None:
        self._bucket = bucket
        self._folder = folder

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        stored = self._bucket.get(key, limit=limit)
        reason = self._folder.complaint(key, stored.etag if stored else None)
        if reason is not None:
            raise UnreadableObject(reason, etag=_etag_of(reason))
        return stored

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        page = self._bucket.list(prefix, start_after=start_after, limit=limit)
        rows = {row.key: row for row in page}
        last = page[-1].key.encode() if len(page) == limit else None
        for key in self._folder.complaints():
            if not key.startswith(prefix) or key.encode() <= start_after.encode():
                continue
            if last is None or key.encode() <= last:
                row = rows.get(key)
                reason = self._folder.complaint(key, row.etag if row else None)
                if reason is not None:
                    rows[key] = ObjectInfo(key, _etag_of(reason), 0)
        return sorted(rows.values(), key=lambda row: row.key.encode())[:limit]

    def put(self, key: str, body: bytes) -> None:
        self._bucket.put(key, body)

    def create(self, key: str, body: bytes) -> bool:
        return self._bucket.create(key, body)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        self._bucket.upload(key, chunks)

    def download(self, key: str) -> Iterator[bytes] | None:
        return self._bucket.download(key)

    def delete(self, keys: Iterable[str]) -> None:
        self._bucket.delete(keys)


def _etag_of(reason: str) -> str:
    return f"unreadable-{hashlib.md5(reason.encode(), usedforsecurity=False).hexdigest()}"


def _recall(memory: Path) -> dict[str, Seen]:
    try:
        data = json.loads(memory.read_text(encoding="utf-8"))
        return {str(key): Seen.decode(str(text)) for key, text in data.items()}
    except (OSError, ValueError, AttributeError):
        # Never written, or damaged: then everything is copied again, which changes nothing.
        return {}
