"""A Bucket on S3."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import answer_of, client, translated
from chalicelib.aws.multipart_upload import PART_BYTES, MultipartUpload
from chalicelib.errors import Unavailable
from chalicelib.ports import PIECE_BYTES, ObjectInfo, StoredObject

# S3's own limits for one call.
LISTED_AT_ONCE = 1000
DELETED_AT_ONCE = 1000

_CHANGED_MEANWHILE = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")

CREATE_ATTEMPTS = 5
DOWNLOAD_ATTEMPTS = 4


class S3Bucket:
    """Implements `chalicelib.ports.Bucket`. `get_client` is called at each use."""

    def __init__(self, name: str, get_client: Callable[[], Any] = lambda: client("s3")) -> None:
        self.name = name
        self._get_client = get_client
        self._what = f"S3 bucket `{name}`"

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        with translated(self._what):
            # Not a Range request: S3 answers those on an empty object with an error.
            answer = self._open(key)
            if answer is None:
                return None
            with closing(answer["Body"]) as stream:
                body, metadata = stream.read(limit), answer.get("Metadata", {})
                return StoredObject(key, _bare(answer["ETag"]), body, metadata)

    def put(self, key: str, body: bytes) -> None:
        with translated(self._what):
            self._get_client().put_object(Bucket=self.name, Key=key, Body=body)

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        parts = _parts(chunks)
        first = [next(parts, b"")]
        if len(first[0]) < PART_BYTES:
            self.put(key, first[0])
        else:
            upload = MultipartUpload(self._get_client(), self.name, key)
            upload.send(_after(first, parts))

    def download(self, key: str) -> Iterator[bytes] | None:
        opened = self._open(key)
        return None if opened is None else self._pieces(key, opened)

    def create(self, key: str, body: bytes) -> bool:
        """As the contract says. Where an answer of S3 is lost on the way and botocore asks again,
        the one who created the object is told False: whoever must know writes a body of its own
        and reads it back."""
        for _ in range(CREATE_ATTEMPTS):
            created = self._try_to_create(key, body)
            if created is not None:
                return created
        raise Unavailable(f"{self._what}: others keep writing `{key}` at the same time")

    def replace(self, key: str, body: bytes, etag: str | None) -> str | None:
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": f'"{etag}"'}
        with translated(self._what):
            try:
                answer = self._get_client().put_object(
                    Bucket=self.name, Key=key, Body=body, **condition
                )
            except ClientError as error:
                if answer_of(error)[1] in _CHANGED_MEANWHILE:
                    return None
                raise
        return _bare(answer["ETag"])

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        objects: list[ObjectInfo] = []
        while len(objects) < limit:
            wanted = min(limit - len(objects), LISTED_AT_ONCE)
            page, more = self._page(prefix, start_after, wanted)
            objects += page
            if not more or not page:
                break
            start_after = page[-1].key
        return objects

    def delete(self, keys: Iterable[str]) -> None:
        wanted = list(keys)
        for start in range(0, len(wanted), DELETED_AT_ONCE):
            self._delete_batch(wanted[start : start + DELETED_AT_ONCE])

    def _open(self, key: str, **more: str) -> dict[str, Any] | None:
        with translated(self._what):
            try:
                answer: dict[str, Any] = self._get_client().get_object(
                    Bucket=self.name, Key=key, **more
                )
            except ClientError as error:
                if answer_of(error)[1] == "NoSuchKey":
                    return None
                raise
        return answer

    def _pieces(self, key: str, opened: dict[str, Any]) -> Iterator[bytes]:
        """Read on where a connection broke, as long as the object is the same."""
        size, etag = opened["ContentLength"], opened["ETag"]
        position = breaks = 0
        while True:
            try:
                with translated(self._what), closing(opened["Body"]) as stream:
                    while piece := stream.read(PIECE_BYTES):
                        position += len(piece)
                        yield piece
            except Unavailable:
                breaks += 1
                if breaks >= DOWNLOAD_ATTEMPTS:
                    raise
            if position >= size:
                return
            again = self._open(key, Range=f"bytes={position}-", IfMatch=etag)
            if again is None:
                raise Unavailable(f"{self._what}: `{key}` was removed while it was read")
            opened = again

    def _try_to_create(self, key: str, body: bytes) -> bool | None:
        """None: two writers met, and S3 decided for neither."""
        with translated(self._what):
            try:
                self._get_client().put_object(Bucket=self.name, Key=key, Body=body, IfNoneMatch="*")
            except ClientError as error:
                status, code = answer_of(error)
                if status == 412 or code == "PreconditionFailed":
                    return False
                if code == "ConditionalRequestConflict":
                    return None
                raise
        return True

    def _page(
        self, prefix: str, start_after: str, limit: int
    ) -> tuple[builtins.list[ObjectInfo], bool]:
        with translated(self._what):
            answer = self._get_client().list_objects_v2(
                Bucket=self.name, Prefix=prefix, StartAfter=start_after, MaxKeys=limit
            )
        rows = [
            ObjectInfo(row["Key"], _bare(row["ETag"]), row["Size"])
            for row in answer.get("Contents", [])
        ]
        return rows, bool(answer["IsTruncated"])

    def _delete_batch(self, keys: builtins.list[str]) -> None:
        objects = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        with translated(self._what):
            answer = self._get_client().delete_objects(Bucket=self.name, Delete=objects)
        for problem in answer.get("Errors", []):
            raise Unavailable(
                f"{self._what}: `{problem.get('Key')}` could not be deleted: {problem.get('Code')}"
            )


def _after(first: builtins.list[bytes], parts: Iterator[bytes]) -> Iterator[bytes]:
    """The first part, which nobody holds after it was sent, and then the others."""
    yield first.pop()
    yield from parts


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join the chunks to parts of PART_BYTES; the last may be shorter, and is never empty."""
    part = bytearray()
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            room = PART_BYTES - len(part)
            part += rest[:room]
            rest = rest[room:]
            if len(part) == PART_BYTES:
                full, part = bytes(part), bytearray()
                yield full
    if part:
        yield bytes(part)


def _bare(etag: str) -> str:
    return etag.strip('"')
