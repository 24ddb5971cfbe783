"""Commands about the files of the dags bucket: read one, and store one that was edited.

Two people who edit a file at once never overwrite each other: a file is stored only if it is still
the one that was read. The audit row is committed before the file is stored, so no change goes
without one; a change that is lost in between is noted, too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from chalicelib.dag_files import is_dag_file
from chalicelib.errors import InvalidRequest, NotFound, PreconditionFailed
from chalicelib.ports import EditableBucket, StoredObject
from chalicelib.scheduler.commands import validation
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.transaction import unit_of_work

MAX_SOURCE_BYTES = 256 * 1024
"""The longest DAG file that is registered."""
LONGEST_KEY_BYTES = 1024
"""S3's own limit."""


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file as it was stored; `is_new` if there was none by this key."""

    etag: str
    is_new: bool


def check_key(key: str) -> str:
    """Returns the key. Raises InvalidRequest for one that is no DAG file's."""
    parts = key.split("/")
    if not is_dag_file(key):
        raise InvalidRequest(
            f"{key!r} is not the name of a DAG file; it must end with .yaml or .yml, and not with"
            " .test.yaml, which names a test"
        )
    if any(part in ("", ".", "..") for part in parts) or not key.isprintable():
        raise InvalidRequest(
            f"{key!r} is not a usable name; use folders and a name without . and .. between /,"
            " such as sales/nightly.yaml"
        )
    if len(key.encode()) > LONGEST_KEY_BYTES:
        raise InvalidRequest(f"the name is longer than {LONGEST_KEY_BYTES} bytes; shorten it")
    return key


def read(bucket: EditableBucket, key: str) -> StoredObject:
    """The file as it is in the bucket, which may be newer than what is registered, or invalid.
    Raises NotFound, InvalidRequest."""
    stored = bucket.get(check_key(key), limit=MAX_SOURCE_BYTES + 1)
    if stored is None:
        raise NotFound(f"the dags bucket has no file {key!r}; GET /api/dags lists the DAGs in it")
    if len(stored.body) > MAX_SOURCE_BYTES:
        raise InvalidRequest(
            f"{key!r} has more than {MAX_SOURCE_BYTES} bytes, which no DAG file may have; replace"
            " it in the bucket"
        )
    return stored


def save(
    scheduler: SchedulerContext,
    bucket: EditableBucket,
    key: str,
    source: bytes,
    *,
    based_on: str | None,
    who: str,
) -> SavedFile:
    """Store a valid DAG file over the one with the ETag `based_on`, or as a new one for None. Its
    registration follows as for every object of the bucket. Raises DagFileError for a file with
    errors, PreconditionFailed if it was changed meanwhile, InvalidRequest."""
    validation.validate(source, scheduler.now(), scheduler.places)
    current = bucket.get(check_key(key), limit=0)
    if (current.etag if current else None) != based_on:
        raise _changed(key, current)
    digest = hashlib.sha256(source).hexdigest()
    with unit_of_work(scheduler) as work:
        audit(work, who, "save DAG file", key, sha256=digest, replaces=based_on)
    etag = bucket.replace(key, source, based_on)
    if etag is None:
        current = bucket.get(key, limit=MAX_SOURCE_BYTES + 1)
        # It may be ours: the answer to the first of two requests was lost on the way.
        if current is None or current.body != source:
            with unit_of_work(scheduler) as work:
                audit(work, who, "DAG file not saved", key, sha256=digest, reason="changed")
            raise _changed(key, current)
        etag = current.etag
    return SavedFile(etag, is_new=based_on is None)


def _changed(key: str, current: StoredObject | None) -> PreconditionFailed:
    etag = current.etag if current else None
    if etag is None:
        message = (
            f"{key!r} is no longer in the dags bucket; save it as a new file, or discard yours"
        )
    else:
        message = (
            f"{key!r} is not as you read it: somebody else has saved it meanwhile, or there is"
            " a file of this name already; compare the two, and save again"
        )
    return PreconditionFailed(message, etag=etag)
