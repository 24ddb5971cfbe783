"""Pins a version to its files: reads what matched, stores each content once in the runs bucket, and
the list of them.

The upload comes before the commit, so that no version ever refers to what is not there. What a
crash in between leaves is found by `file_retention`, which lists the bucket.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from chalicelib.dag.problems import Problem, quote
from chalicelib.dag_files import (
    MAX_FILES_BYTES,
    PinnedFile,
    content_key,
    encode_list,
    sha256_of,
)
from chalicelib.database.queries import files
from chalicelib.database.queries.files import ListedFile
from chalicelib.errors import Unavailable, UnreadableObject
from chalicelib.ports import StoredObject
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.file_match import Match, MatchedFile
from chalicelib.scheduler.unit_of_work import UnitOfWork

CONCURRENT_READS = 16
BATCH_BYTES = 16 * 1024 * 1024
"""Of contents that are held in memory at once, unless a single one is larger."""
_MODES = ("file-permissions", "mode")
"""Metadata with a file's mode: AWS's own tools (DataSync, Storage Gateway) write the first, in
octal; rclone writes the second in octal, and s3fs in decimal."""
_PROGRAMS = (b"#!", b"\x7fELF")


@dataclass(frozen=True)
class Pins:
    """The files of a version, and the list that pins it to them. `uploaded` are the contents that
    were stored just now, `relied_on` those that were there."""

    files: tuple[ListedFile, ...] = ()
    list_sha256: str = ""
    uploaded: frozenset[str] = frozenset()
    relied_on: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def save(self, work: UnitOfWork) -> None:
        """Remember the list in the transaction that refers to it. Raises Unavailable if one of its
        contents was removed meanwhile."""
        if not self.list_sha256:
            return
        stored = files.stored(work.tx, self.uploaded | self.relied_on)
        is_gone = any(content not in stored for content in self.relied_on)
        if is_gone or any(stored.values()):
            raise Unavailable("the contents of its files are being removed; it is read again")
        files.save_list(work.tx, self.list_sha256, self.files, work.now)


@dataclass
class _Pinning:
    uploaded: set[str] = field(default_factory=set)
    relied_on: set[str] = field(default_factory=set)


def pin(
    scheduler: SchedulerContext, dag_id: str, match: Match, changed: Collection[str] = ()
) -> Pins:
    """Read and store what matched. What the active version has read with the same ETag is not read
    again, unless its key is in `changed`. Raises Unavailable."""
    with scheduler.database.read() as tx:
        known = {row.file.path: row for row in files.active_list(tx, dag_id)}
    pinning = _Pinning()
    pinned: list[ListedFile] = []
    unread: list[MatchedFile] = []
    for file in match.files:
        row = known.get(file.path)
        if row is not None and row.etag == file.etag and file.key not in changed:
            pinned.append(row)
        else:
            unread.append(file)
    _check_known(scheduler, pinned, unread, match, pinning)
    problems: list[Problem] = []
    for batch in _batches(unread):
        _pin_batch(scheduler, batch, pinned, problems, pinning)
    if problems:
        return Pins(problems=tuple(problems))
    content = encode_list([row.file for row in pinned])
    list_sha256 = sha256_of(content)
    _store(scheduler, {list_sha256: content}, pinning)
    return Pins(
        tuple(sorted(pinned, key=lambda row: row.file.path)),
        list_sha256,
        frozenset(pinning.uploaded),
        frozenset(pinning.relied_on - pinning.uploaded),
    )


def _check_known(
    scheduler: SchedulerContext,
    pinned: list[ListedFile],
    unread: list[MatchedFile],
    match: Match,
    pinning: _Pinning,
) -> None:
    """Read again what is known, and yet no longer in the runs bucket."""
    if not pinned:
        return
    with scheduler.database.read() as tx:
        stored = files.stored(tx, {row.file.sha256 for row in pinned})
    by_path = {file.path: file for file in match.files}
    for row in [row for row in pinned if row.file.sha256 not in stored]:
        pinned.remove(row)
        unread.append(by_path[row.file.path])
    pinning.relied_on.update(row.file.sha256 for row in pinned)


def _batches(unread: Sequence[MatchedFile]) -> Iterator[list[MatchedFile]]:
    batch: list[MatchedFile] = []
    size = 0
    for file in unread:
        if batch and size + file.size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _pin_batch(
    scheduler: SchedulerContext,
    batch: Sequence[MatchedFile],
    pinned: list[ListedFile],
    problems: list[Problem],
    pinning: _Pinning,
) -> None:
    with ThreadPoolExecutor(min(len(batch), CONCURRENT_READS)) as pool:
        readings = list(pool.map(lambda file: _read(scheduler, file), batch))
    contents: dict[str, bytes] = {}
    for file, reading in zip(batch, readings, strict=True):
        if isinstance(reading, Problem):
            problems.append(reading)
            continue
        sha256 = sha256_of(reading.body)
        contents[sha256] = reading.body
        is_program = is_executable(reading.body, reading.metadata)
        listed = PinnedFile(file.path, sha256, len(reading.body), is_program)
        pinned.append(ListedFile(listed, reading.etag))
    _store(scheduler, contents, pinning)


def _read(scheduler: SchedulerContext, file: MatchedFile) -> StoredObject | Problem:
    try:
        stored = scheduler.dags.get(file.key, limit=MAX_FILES_BYTES + 1)
    except UnreadableObject as error:
        return file.place.problem(f"{quote(file.path)} cannot be brought along: {error.message}")
    if stored is None:
        return file.place.problem(f"{quote(file.path)} was removed while it was being read")
    if len(stored.body) > MAX_FILES_BYTES:
        return file.place.problem(f"{quote(file.path)} has more than 50 MiB")
    return stored


def _store(scheduler: SchedulerContext, contents: Mapping[str, bytes], pinning: _Pinning) -> None:
    """Upload what is not stored yet."""
    with scheduler.database.read() as tx:
        stored = files.stored(tx, contents.keys())
    if any(stored.values()):
        raise Unavailable("the contents of its files are being removed; it is read again")
    pinning.relied_on.update(stored)
    missing = [sha256 for sha256 in contents if sha256 not in stored]
    if missing:
        with ThreadPoolExecutor(min(len(missing), CONCURRENT_READS)) as pool:
            list(
                pool.map(
                    lambda sha256: scheduler.runs.put(content_key(sha256), contents[sha256]),
                    missing,
                )
            )
    pinning.uploaded.update(missing)


def is_executable(body: bytes, metadata: Mapping[str, str]) -> bool:
    """Whether the metadata of the object says so; where they are silent, whether it begins as a
    script or a program."""
    for name in _MODES:
        mode = _mode(metadata.get(name, ""))
        if mode is not None:
            return bool(mode & stat.S_IXUSR)
    return body.startswith(_PROGRAMS)


def _mode(text: str) -> int | None:
    """A file's mode, in octal (0755, 100755) or as s3fs writes it in decimal (33261)."""
    if not text.isascii() or not text.isdecimal() or len(text) > len("0o100755"):
        return None
    if stat.S_IFREG <= (number := int(text)) <= stat.S_IFREG | 0o7777:
        return number
    try:
        mode = int(text, 8)
    except ValueError:
        return None
    return mode if stat.S_ISREG(mode) or mode <= 0o7777 else None
