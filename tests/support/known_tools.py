"""Tools in a bucket, the same bytes on every machine: a DAG file can name their SHA-256."""

from __future__ import annotations

import io
import zipfile

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
    bucket.put("greet", GREET)
    bucket.put("greet.zip", _zipped())
    return bucket


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("bin/greet"), GREET)
    return buffer.getvalue()
