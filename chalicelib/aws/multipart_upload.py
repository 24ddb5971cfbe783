"""The upload of a large object to S3 in parts."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import answer_of, translated

log = logging.getLogger("orchestrator.aws")

PART_BYTES = 8 * 1024 * 1024
"""S3 takes at most 10,000 parts: this is enough for 78 GiB."""


class MultipartUpload:
    """One upload, to be sent once."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._object = {"Bucket": bucket, "Key": key}
        self._what = f"S3 bucket `{bucket}`"

    def send(self, parts: Iterable[bytes]) -> None:
        """Send the parts and complete the object. Whatever goes wrong, S3 is told to forget the
        parts, because it would charge for them for ever."""
        with translated(self._what):
            upload_id = self._client.create_multipart_upload(**self._object)["UploadId"]
        try:
            self._complete(upload_id, parts)
        except BaseException:
            self._abort(upload_id)
            raise

    def _complete(self, upload_id: str, parts: Iterable[bytes]) -> None:
        upload = {**self._object, "UploadId": upload_id}
        sent, size = [], 0
        for number, part in enumerate(parts, start=1):
            with translated(self._what):
                answer = self._client.upload_part(**upload, PartNumber=number, Body=part)
            sent.append({"PartNumber": number, "ETag": answer["ETag"]})
            size += len(part)
        with translated(self._what):
            try:
                self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent})
            except ClientError as error:
                # S3 may have completed it and lost its answer; asked again, it knows no upload.
                if answer_of(error)[1] != "NoSuchUpload" or not self._is_stored(size):
                    raise

    def _is_stored(self, size: int) -> bool:
        return int(self._client.head_object(**self._object)["ContentLength"]) == size

    def _abort(self, upload_id: str) -> None:
        try:
            with translated(self._what):
                self._client.abort_multipart_upload(**self._object, UploadId=upload_id)
        except Exception:
            log.warning(
                "the parts of an upload could not be deleted; the bucket's lifecycle rule will"
                " delete them",
                exc_info=True,
            )
