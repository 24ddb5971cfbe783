"""The folder of a DAG file, as the bucket that the scheduler registers it from. Read only."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from chalicelib.cli.failure import USAGE, CliFailure
from chalicelib.ports import PIECE_BYTES, ObjectInfo, StoredObject

MAX_FILES = 20_000


class SourceFolder:
    """A Bucket of the files in `folder`. Links that lead out of it are not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        path = self._folder / key
        try:
            with path.open("rb") as opened:
                body = opened.read(-1 if limit is None else limit)
                status = os.fstat(opened.fileno())
        except OSError:
            return None
        return StoredObject(key, _etag(status), body, {"mode": f"{status.st_mode:o}"})

    @cached_property
    def _keys(self) -> list[str]:
        keys: list[str] = []
        for key in self._walk():
            keys.append(key)
            if len(keys) > MAX_FILES:
                raise CliFailure(
                    f"{self._folder} has more than {MAX_FILES} files: give the DAG file a folder of"
                    " its own",
                    USAGE,
                )
        return sorted(keys)

    def _walk(self) -> Iterator[str]:
        root = self._folder.resolve()
        for parent, _, names in os.walk(self._folder):
            for name in names:
                path = Path(parent, name)
                if path.is_file() and path.resolve().is_relative_to(root):
                    yield path.relative_to(self._folder).as_posix()

    def download(self, key: str) -> Iterator[bytes] | None:
        stored = self.get(key)
        if stored is None:
            return None
        body = stored.body
        return (body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES))

    def put(self, key: str, body: bytes) -> None:
        raise NotImplementedError

    def create(self, key: str, body: bytes) -> bool:
        raise NotImplementedError

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        raise NotImplementedError

    def delete(self, keys: Iterable[str]) -> None:
        raise NotImplementedError

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        first = bisect_right(self._keys, start_after)
        keys = [key for key in self._keys[first:] if key.startswith(prefix)][:limit]
        statuses = ((key, (self._folder / key).stat()) for key in keys)
        return [ObjectInfo(key, _etag(status), status.st_size) for key, status in statuses]


def _etag(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_mode:x}"
