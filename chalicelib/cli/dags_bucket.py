"""The dags bucket of an installation, as `push`, `pull` and `rm` use it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.cli.client import Client
from chalicelib.cli.failure import UNREACHABLE, USAGE, CliFailure
from chalicelib.cli.installation import local_cloud
from chalicelib.dag_files import is_dag_file

MAX_FILES = 10_000
LARGEST_BYTES = 50 * 1024 * 1024
"""No DAG may bring along more."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to upload under `key`."""

    key: str
    path: Path

    def read(self) -> bytes:
        if self.path.stat().st_size > LARGEST_BYTES:
            raise CliFailure(f"{self.path} is larger than {LARGEST_BYTES // 2**20} MiB", USAGE)
        return self.path.read_bytes()


class DagsBucket:
    """Uploads to and deletes from the bucket `name`."""

    def __init__(self, client: Client, name: str | None) -> None:
        self.name = name or str(client.get("/api/session")["dags_bucket"])
        self._s3 = _s3(client)

    def etags(self, prefix: str = "") -> dict[str, str]:
        """The ETag of every object below the prefix."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        with _in_words(self.name):
            return {
                row["Key"]: row["ETag"].strip('"')
                for page in pages
                for row in page.get("Contents", ())
            }

    def put(self, key: str, body: bytes) -> str:
        """Returns the ETag."""
        with _in_words(self.name):
            answer = self._s3.put_object(Bucket=self.name, Key=key, Body=body)
        return str(answer["ETag"]).strip('"')

    def delete(self, key: str) -> None:
        with _in_words(self.name):
            self._s3.delete_object(Bucket=self.name, Key=key)


class _in_words:
    """Turns what boto3 raises into one line."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: Any, error: BaseException | None, trace: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, (BotoCoreError, ClientError)):
            raise CliFailure(f"the bucket {self._bucket}: {error}", UNREACHABLE) from error


def _s3(client: Client) -> Any:
    import boto3

    from chalicelib.local import aws_env

    local = local_cloud()
    if local is None or local["url"] != client.url:
        return boto3.client("s3")
    return boto3.client(
        "s3",
        endpoint_url=local["endpoint"],
        region_name=aws_env.REGION,
        aws_access_key_id=aws_env.ACCESS_KEY,
        aws_secret_access_key=aws_env.SECRET_KEY,
    )


def files_of(path: Path, prefix: str) -> list[LocalFile]:
    """The files to upload: `path` itself, or all that is not hidden in the folder. Scripts come
    before the DAG files that bring them along. Raises CliFailure."""
    if path.is_file():
        return [LocalFile(f"{prefix}{path.name}", path)]
    if not path.is_dir():
        raise CliFailure(f"{path} is neither a file nor a folder", USAGE)
    files = [LocalFile(f"{prefix}{name}", path / name) for name in _names(path)]
    if not files:
        raise CliFailure(f"{path} has no files", USAGE)
    if len(files) > MAX_FILES:
        raise CliFailure(f"{path} has more than {MAX_FILES} files; push its parts", USAGE)
    return sorted(files, key=lambda file: (is_dag_file(file.key), file.key))


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield relative.as_posix()


def etag_of(body: bytes) -> str:
    """The ETag that S3 gives to an object that was uploaded in one part, without KMS."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
