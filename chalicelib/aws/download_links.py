"""Download links: presigned URLs of S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.aws.clients import client, translated
from chalicelib.utils.content_disposition import attachment

# Not the object's own: a browser that shows it would run what is in it.
CONTENT_TYPE = "application/octet-stream"


class PresignedLinks:
    """Implements `chalicelib.ports.DownloadLinks`. A link is good for as long as it says, and no
    longer than the credentials that signed it."""

    def __init__(self, bucket: str, get_client: Callable[[], Any] = lambda: client("s3")) -> None:
        self._bucket = bucket
        self._get_client = get_client

    def link(self, key: str, file_name: str, seconds: int) -> str:
        asked = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentDisposition": attachment(file_name),
            "ResponseContentType": CONTENT_TYPE,
        }
        with translated(f"S3 bucket `{self._bucket}`"):
            return str(
                self._get_client().generate_presigned_url(
                    "get_object", Params=asked, ExpiresIn=seconds
                )
            )
