"""Tools in a bucket, the same bytes on every machine: a DAG file can name their SHA-256."""

from __future__ import annotations

import hashlib
import io
import zipfile

import yaml

from chalicelib.errors import OrchestratorError
from chalicelib.ports import Bucket
from tests.support.fakes import FakeBucket

BUCKET = "known-tools"
GREET = b'#!/bin/sh\necho "hello, $1"\n'


def open_bucket(name: str) -> Bucket:
    """Open the one bucket that there is: it holds `greet`, and `greet.zip` with `bin/greet`."""
    if name != BUCKET:
        raise OrchestratorError(f"S3 bucket `{name}`: there is no such bucket")
    bucket = FakeBucket()
    for key, content in contents().items():
        bucket.put(key, content)
    return bucket


def contents() -> dict[str, bytes]:
    """What the bucket holds, by key."""
    return {"greet": GREET, "greet.zip": zipped("bin/greet", GREET), **_stand_ins}


def zipped(path: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(path), content)
    return buffer.getvalue()


_stand_ins: dict[str, bytes] = {}


def with_stand_ins(dag_file: str) -> str:
    """Replace the tools of a DAG file, which are out on the internet, by programs of this bucket
    that say how they were called."""
    for name, tool in (yaml.safe_load(dag_file).get("tools") or {}).items():
        content = f'#!/bin/sh\necho "{name} was called with $# arguments: $1"\n'.encode()
        if path := tool.get("path"):
            content = zipped(path, content)
        key = f"stand-ins/{name}{'.zip' if path else ''}"
        _stand_ins[key] = content
        dag_file = dag_file.replace(tool["url"], f"s3://{BUCKET}/{key}")
        dag_file = dag_file.replace(tool["sha256"], hashlib.sha256(content).hexdigest())
    return dag_file
