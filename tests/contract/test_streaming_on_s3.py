"""What can happen on the way while a large object goes to S3, or comes from there."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ResponseStreamingError
from botocore.response import StreamingBody
from moto import mock_aws

from chalicelib.aws import S3Bucket
from chalicelib.aws.multipart_upload import PART_BYTES
from chalicelib.aws.s3 import DOWNLOAD_ATTEMPTS
from chalicelib.errors import OrchestratorError, Unavailable
from tests.contract.implementations import REGION

BUCKET = "contract"
BODY = bytes(range(256)) * (PART_BYTES // 128)


class Spy:
    """A client of moto. `before[operation]` is called with the arguments before each call, and may
    raise; `after[operation]` with the answer."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: list[str] = []
        self.before: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.after: dict[str, Callable[[Any], Any]] = {}

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.calls.append(operation)
            if operation in self.before:
                self.before[operation](arguments)
            answer = getattr(self.client, operation)(**arguments)
            return self.after[operation](answer) if operation in self.after else answer

        return call

    def unfinished_uploads(self) -> list[Any]:
        return list(self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))

    def keys(self) -> list[str]:
        return [
            row["Key"] for row in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        ]


@pytest.fixture
def spy() -> Iterator[Spy]:
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket=BUCKET)
        yield Spy(client)


def bucket(spy: Spy) -> S3Bucket:
    return S3Bucket(BUCKET, lambda: spy)


def error(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


def refuse(code: str, status: int, *, from_call: int = 1) -> Callable[[Any], Any]:
    calls = 0

    def raise_it(_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls >= from_call:
            raise error(code, status)

    return raise_it


def test_a_small_object_costs_one_request(spy: Spy) -> None:
    bucket(spy).upload("key", [b"small"])
    assert spy.calls == ["put_object"]


@pytest.mark.parametrize(
    ("operation", "code", "status", "expected"),
    [
        ("upload_part", "SlowDown", 503, Unavailable),
        ("upload_part", "AccessDenied", 403, OrchestratorError),
        ("complete_multipart_upload", "InternalError", 500, Unavailable),
        ("complete_multipart_upload", "NoSuchUpload", 404, OrchestratorError),
    ],
)
def test_an_upload_that_s3_refuses_leaves_no_parts_behind(
    spy: Spy, operation: str, code: str, status: int, expected: type[Exception]
) -> None:
    from_call = 2 if operation == "upload_part" else 1
    spy.before[operation] = refuse(code, status, from_call=from_call)
    with pytest.raises(expected):
        bucket(spy).upload("key", [BODY])
    assert spy.unfinished_uploads() == []
    assert spy.keys() == []


class Interrupted(BaseException):
    """What no `except Exception` catches, as KeyboardInterrupt."""


def test_an_upload_that_is_interrupted_leaves_no_parts_behind(spy: Spy) -> None:
    def source() -> Iterator[bytes]:
        yield BODY
        raise Interrupted

    with pytest.raises(Interrupted):
        bucket(spy).upload("key", source())
    assert "create_multipart_upload" in spy.calls
    assert spy.unfinished_uploads() == []


def test_an_upload_whose_parts_cannot_be_deleted_fails_with_its_own_error(spy: Spy) -> None:
    spy.before["upload_part"] = refuse("SlowDown", 503)
    spy.before["abort_multipart_upload"] = refuse("AccessDenied", 403)
    with pytest.raises(Unavailable, match="SlowDown"):
        bucket(spy).upload("key", [BODY])


def test_an_upload_that_s3_completed_and_lost_its_answer_succeeds(spy: Spy) -> None:
    def complete_and_forget(arguments: dict[str, Any]) -> None:
        spy.client.complete_multipart_upload(**arguments)
        raise error("NoSuchUpload", 404)

    spy.before["complete_multipart_upload"] = complete_and_forget
    bucket(spy).upload("key", [BODY])
    assert spy.keys() == ["key"]


class BreakingBody(StreamingBody):  # type: ignore[misc]  # botocore has no types
    """Yields one piece, then its connection breaks."""

    def __init__(self, answer: Any) -> None:
        self._broken = False
        super().__init__(io.BytesIO(answer["Body"].read()), answer["ContentLength"])

    def read(self, amt: int | None = None) -> bytes:
        if self._broken:
            raise ResponseStreamingError(error="connection reset")
        self._broken = True
        return bytes(super().read(amt))


def breaking(answer: Any) -> Any:
    return {**answer, "Body": BreakingBody(answer)}


def test_a_download_goes_on_where_its_connection_broke(spy: Spy) -> None:
    three = b"abc" * (1024 * 1024)
    bucket(spy).upload("key", [three])
    spy.after["get_object"] = breaking
    pieces = bucket(spy).download("key")
    assert pieces is not None
    assert b"".join(pieces) == three
    assert spy.calls.count("get_object") == 3


def test_a_download_is_not_tried_for_ever(spy: Spy) -> None:
    bucket(spy).upload("key", [BODY])
    spy.after["get_object"] = breaking
    pieces = bucket(spy).download("key")
    assert pieces is not None
    with pytest.raises(Unavailable, match="connection reset"):
        list(pieces)
    assert spy.calls.count("get_object") == DOWNLOAD_ATTEMPTS


def test_a_download_never_joins_two_objects(spy: Spy) -> None:
    store = bucket(spy)
    store.upload("key", [BODY])
    spy.after["get_object"] = breaking
    pieces = store.download("key")
    assert pieces is not None
    next(pieces)
    spy.client.put_object(Bucket=BUCKET, Key="key", Body=BODY[::-1])
    with pytest.raises(OrchestratorError):
        list(pieces)


def test_a_download_of_an_object_that_is_removed_meanwhile_says_so(spy: Spy) -> None:
    store = bucket(spy)
    store.upload("key", [BODY])
    spy.after["get_object"] = breaking
    pieces = store.download("key")
    assert pieces is not None
    next(pieces)
    store.delete(["key"])
    with pytest.raises(Unavailable, match="was removed while it was read"):
        list(pieces)
