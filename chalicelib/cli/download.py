"""Downloads a file from a link that needs no token, and checks what came."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

import urllib3

from chalicelib.cli.failure import FAILED, UNREACHABLE, CliFailure

CHUNK_BYTES = 1024 * 1024
TIMEOUT = urllib3.Timeout(connect=10, read=60)


def download(url: str, sha256: str, target: BinaryIO) -> None:
    """Write what the link gives. Raises CliFailure if it gives nothing, or something else."""
    digest = hashlib.sha256()
    try:
        with urllib3.request(
            "GET", url, preload_content=False, timeout=TIMEOUT, decode_content=False
        ) as response:
            if response.status != 200:
                said = f"{response.status} {response.reason or ''}".rstrip()
                raise CliFailure(f"the store of files answered {said}", UNREACHABLE)
            for chunk in response.stream(CHUNK_BYTES, decode_content=False):
                digest.update(chunk)
                target.write(chunk)
    except urllib3.exceptions.HTTPError as error:
        raise CliFailure(f"the download broke off: {error}", UNREACHABLE) from error
    target.flush()
    if digest.hexdigest() != sha256:
        raise CliFailure("the download is damaged: its SHA-256 is another; try again", FAILED)
