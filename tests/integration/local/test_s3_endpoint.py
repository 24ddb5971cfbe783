"""What the local S3 makes of a body, whatever its Content-Type says."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws import S3Bucket
from chalicelib.local import moto_server, s3_endpoint
from chalicelib.local.folder_bucket import FolderBucket
from tests.support.waiting import HANG_SECONDS

KINDS = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "APPLICATION/X-WWW-FORM-URLENCODED",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/mixed; boundary=x",
    "application/x-url-encoded",
    "application/json",
    "text/plain",
    "",
    "\xe4",
]
BODIES = [
    b"name: a\ntasks:\n  - id: b\n    command: echo 100%+1 & echo a=b\n",
    b"key=orchestrator&file=x&Action=AssumeRoleWithSAML&Version=2009-04-15",
    b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nother\r\n--x--\r\n',
    bytes(range(256)) * 5,
    b"%zz=%&+;\xff\xfe",
    b"",
]
KEYS = [
    "a.yaml",
    "a b+c%20d.yaml",
    "\xfcber/\u00e9\U0001f600.yaml",
    "a//b",
    "x?y#z&k=v",
    "moto-api/x",
]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    listener = moto_server.bind(0, what="the test", remedy="none")
    with mock_aws():
        s3_endpoint.serve(listener, lambda _bucket, _key: None)
        client().create_bucket(Bucket="orchestrator-dags")
        client().create_bucket(Bucket="other")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def client(service: str = "s3", endpoint: str | None = None) -> Any:
    made = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=endpoint, **made)


def send(method: str, url: str, body: bytes | None, kind: str | None = None) -> bytes:
    headers = {} if kind is None else {"Content-Type": kind}
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
        read: bytes = answer.read()
        return read


@pytest.mark.parametrize("bucket", ["orchestrator-dags", "other"])
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("kind", KINDS)
def test_the_body_of_a_put_is_stored_as_it_is(
    endpoint: str, bucket: str, kind: str, body: bytes
) -> None:
    send("PUT", f"{endpoint}/{bucket}/a.yaml", body, kind)
    stored = client().get_object(Bucket=bucket, Key="a.yaml")
    assert stored["Body"].read() == body
    assert send("GET", f"{endpoint}/{bucket}/a.yaml", None) == body


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("kind", KINDS[:4])
def test_so_it_is_under_any_key(endpoint: str, key: str, kind: str) -> None:
    send("PUT", f"{endpoint}/other/{urllib.parse.quote(key)}", BODIES[0], kind)
    assert client().get_object(Bucket="other", Key=key)["Body"].read() == BODIES[0]


@pytest.mark.parametrize("kind", KINDS[:5])
def test_so_are_the_parts_of_an_upload_and_what_completes_it(endpoint: str, kind: str) -> None:
    where = f"{endpoint}/other/parts.bin"
    started = send("POST", f"{where}?uploads", b"", kind).decode()
    upload_id = started.partition("<UploadId>")[2].partition("</UploadId>")[0]
    send("PUT", f"{where}?partNumber=1&uploadId={upload_id}", BODIES[0], kind)
    (part,) = client().list_parts(Bucket="other", Key="parts.bin", UploadId=upload_id)["Parts"]
    done = f"<Part><PartNumber>1</PartNumber><ETag>{part['ETag']}</ETag></Part>"
    text = f"<CompleteMultipartUpload>{done}</CompleteMultipartUpload>"
    send("POST", f"{where}?uploadId={upload_id}", text.encode(), kind)
    assert client().get_object(Bucket="other", Key="parts.bin")["Body"].read() == BODIES[0]


@pytest.mark.parametrize("kind", KINDS[:5])
def test_so_is_the_list_of_what_to_delete(endpoint: str, kind: str) -> None:
    client().put_object(Bucket="other", Key="listed", Body=b"x")
    listed = b"<Delete><Object><Key>listed</Key></Object></Delete>"
    send("POST", f"{endpoint}/other?delete", listed, kind)
    assert client().list_objects_v2(Bucket="other", Prefix="listed")["KeyCount"] == 0


def test_a_presigned_form_uploads_its_file(endpoint: str) -> None:
    form = client(endpoint=endpoint).generate_presigned_post("other", "form/${filename}")
    fields = {**form["fields"], "file": BODIES[0].decode()}
    lines = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"'
        + ('; filename="f.yaml"\r\nContent-Type: text/plain' if name == "file" else "")
        + f"\r\n\r\n{value}\r\n"
        for name, value in fields.items()
    ]
    body = ("".join(lines) + "--x--\r\n").encode()
    send("POST", form["url"], body, "multipart/form-data; boundary=x")
    assert client().get_object(Bucket="other", Key="form/f.yaml")["Body"].read() == BODIES[0]


def test_a_presigned_url_takes_a_put_and_gives_a_get(endpoint: str) -> None:
    params = {"Bucket": "other", "Key": "signed"}
    signer = client(endpoint=endpoint)
    send("PUT", signer.generate_presigned_url("put_object", params), BODIES[3], KINDS[0])
    assert send("GET", signer.generate_presigned_url("get_object", params), None) == BODIES[3]


def test_the_query_protocol_of_sqs_is_a_form_still(endpoint: str) -> None:
    queue = client("sqs", endpoint).create_queue(QueueName="forms")["QueueUrl"]
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/sqs/aws4_request"
    form = {"Action": "SendMessage", "QueueUrl": queue, "MessageBody": "100% +&=\xe4"}
    request = urllib.request.Request(
        f"{endpoint}/123456789012/forms",
        urllib.parse.urlencode({**form, "Version": "2012-11-05"}).encode(),
        {"Authorization": f"{scope}, SignedHeaders=host, Signature=0"},
    )
    with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
        assert b"<MessageId>" in answer.read()
    (message,) = client("sqs", endpoint).receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == form["MessageBody"]


def test_of_all_who_create_an_object_here_and_in_this_process_one_wins(tmp_path: Path) -> None:
    folder = FolderBucket(tmp_path)
    listener = moto_server.bind(0, what="the test", remedy="none")
    with mock_aws():
        s3_endpoint.serve(
            listener,
            lambda _bucket, _key: None,
            lambda bucket, key, read: folder.create(key, read()) if bucket == "runs" else None,
        )
        client().create_bucket(Bucket="runs")
        there = client(endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}")
        outside = S3Bucket("runs", lambda: there)
        for number in range(10):
            key = f"dag/run/{number}/claim"
            with ThreadPoolExecutor(6) as pool:
                rivals = [outside, folder] * 3
                won = list(pool.map(lambda rival, key=key: rival.create(key, b"mine"), rivals))
            assert won.count(True) == 1
            stored = folder.get(key)
            assert stored is not None
            assert stored.body == b"mine"
