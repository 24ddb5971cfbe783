"""Backups in a bucket: `database/NAME/part-00000.gz` and so on, and `database/NAME/manifest.json`.

The parts one after another are one gzip file; none is larger than memory allows. The manifest is
written last and removed first: a backup without one is unfinished, and is never offered.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.errors import NotFound, OrchestratorError
from chalicelib.ports import Bucket
from chalicelib.utils.time import iso, parse_iso

PREFIX = "database/"
MANIFEST = "manifest.json"
FORMAT = 1
PART_BYTES = 32 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024
GZIP = 16 + zlib.MAX_WBITS
# Twice as fast as zlib's default, for a tenth more bytes.
LEVEL = 3


class BackupDamaged(OrchestratorError):
    """The backup in the bucket differs from what was stored."""

    code = "backup_damaged"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup. `size` and `sha256` are of the database file, `stored` is what it takes in the
    bucket, in bytes; `commit_seq` numbers the last commit that it holds."""

    name: str
    taken_at: datetime
    commit_seq: int
    schema_version: int
    size: int
    sha256: str = ""
    parts: int = 0
    stored: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "taken_at": iso(self.taken_at)}


def name_of(taken_at: datetime, commit_seq: int) -> str:
    """Name a backup so that names sort by time."""
    return f"{taken_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{commit_seq:012d}"


def taken_at(name: str) -> datetime | None:
    """Return the time in a backup's name, or None if it is not such a name."""
    try:
        return datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def put(bucket: Bucket, file: Path, backup: Backup) -> Backup:
    """Store `file` and return `backup` with its checksum and sizes. Raises Unavailable."""
    digest, sizes = hashlib.sha256(), []
    for number, part in enumerate(_packed(file, digest)):
        bucket.put(_part(backup.name, number), part)
        sizes.append(len(part))
    done = replace(backup, sha256=digest.hexdigest(), parts=len(sizes), stored=sum(sizes))
    manifest = json.dumps({"format": FORMAT, **done.as_json()}, indent=1)
    bucket.put(f"{PREFIX}{backup.name}/{MANIFEST}", manifest.encode())
    return done


def fetch(bucket: Bucket, backup: Backup, file: Path) -> None:
    """Write the backup to the new file `file`, durably. Raises BackupDamaged, Unavailable."""
    digest = hashlib.sha256()
    with file.open("xb") as target:
        for block in _unpacked(bucket, backup):
            digest.update(block)
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    if digest.hexdigest() != backup.sha256:
        raise _damaged(backup.name, "its bytes are not those that were stored")


def find(bucket: Bucket, name: str) -> Backup:
    """Return the complete backup of this name. Raises NotFound, BackupDamaged."""
    stored = bucket.get(f"{PREFIX}{name}/{MANIFEST}") if taken_at(name) else None
    if stored is None:
        raise NotFound(f"there is no backup {name!r}; the command `backups` lists them")
    return _read(name, stored.body)


def names(bucket: Bucket) -> tuple[list[str], list[str]]:
    """Return the names of (complete, unfinished) backups, each oldest first."""
    manifests: dict[str, bool] = {}
    for key in _keys(bucket, PREFIX):
        name, _, rest = key.removeprefix(PREFIX).partition("/")
        if taken_at(name) is not None:
            manifests[name] = manifests.get(name, False) or rest == MANIFEST
    complete = [name for name, is_complete in manifests.items() if is_complete]
    return complete, [name for name in manifests if name not in complete]


def remove(bucket: Bucket, name: str) -> None:
    """Remove a backup, complete or not."""
    prefix = f"{PREFIX}{name}/"
    bucket.delete([prefix + MANIFEST])
    bucket.delete(list(_keys(bucket, prefix)))


def _keys(bucket: Bucket, prefix: str) -> Iterator[str]:
    last = ""
    while page := bucket.list(prefix, start_after=last):
        yield from (info.key for info in page)
        last = page[-1].key


def _part(name: str, number: int) -> str:
    return f"{PREFIX}{name}/part-{number:05d}.gz"


def _packed(file: Path, digest: hashlib._Hash) -> Iterator[bytes]:
    compressor, packed = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP), bytearray()
    with file.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
            packed += compressor.compress(block)
            if len(packed) >= PART_BYTES:
                yield bytes(packed)
                packed.clear()
    yield bytes(packed + compressor.flush())


def _unpacked(bucket: Bucket, backup: Backup) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(GZIP)
    for number in range(backup.parts):
        stored = bucket.get(_part(backup.name, number))
        if stored is None:
            raise _damaged(backup.name, f"part {number} is missing")
        rest = stored.body
        while rest:
            try:
                yield decompressor.decompress(rest, BLOCK_BYTES)
            except zlib.error as error:
                raise _damaged(backup.name, f"part {number}: {error}") from error
            rest = decompressor.unconsumed_tail
    if not decompressor.eof:
        raise _damaged(backup.name, "it is truncated")


def _read(name: str, body: bytes) -> Backup:
    try:
        fields = json.loads(body)
        if fields.pop("format") != FORMAT:
            raise ValueError("created by a newer version of this program")
        fields["taken_at"] = parse_iso(fields["taken_at"])
        return Backup(**{**fields, "name": name})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(name, f"its manifest cannot be read: {error}") from error


def _damaged(name: str, problem: str) -> BackupDamaged:
    return BackupDamaged(f"Backup {name} is damaged ({problem}): restore another one.")
