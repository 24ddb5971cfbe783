"""A download link gives what it names, under its name and never as a page, and nothing else."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import parse_qs, urlparse

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chalicelib.aws import clients
from chalicelib.aws.download_links import PresignedLinks
from chalicelib.utils.content_disposition import attachment
from tests.contract.implementations import REGION
from tests.support.waiting import HANG_SECONDS

KEYS = {"aws_access_key_id": "key-of-the-role", "aws_secret_access_key": "x"}


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def test_a_presigned_link_is_fetched_without_credentials(endpoint: str) -> None:
    client = boto3.client(
        "s3", region_name=REGION, endpoint_url=endpoint, config=clients.CONFIG, **KEYS
    )
    client.create_bucket(Bucket="runs")
    client.put_object(Bucket="runs", Key="a b/é", Body=b"hello", ContentType="text/html")
    url = PresignedLinks("runs", lambda: client).link("a b/é", "grüße & co.html", 300)
    with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:
        assert answer.read() == b"hello"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == attachment("grüße & co.html")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_presigned_link_is_signed_as_every_region_takes_it(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    clients.forget_clients()
    try:
        url = urlparse(PresignedLinks("runs").link("dag/run/t/-1/1/artifacts/x", "x", 300))
    finally:
        clients.forget_clients()
    asked = parse_qs(url.query)
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Expires"] == ["300"]
    assert url.path == "/dag/run/t/-1/1/artifacts/x"
    assert url.netloc in (f"runs.s3.{region}.amazonaws.com", "runs.s3.amazonaws.com")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.csv", "attachment; filename=\"report.csv\"; filename*=UTF-8''report.csv"),
        ('a "b".x', "attachment; filename=\"a__b_.x\"; filename*=UTF-8''a%20%22b%22.x"),
        ("ü", "attachment; filename=\"_\"; filename*=UTF-8''%C3%BC"),
        (".env", "attachment; filename=\"_env\"; filename*=UTF-8''.env"),
        ("a\r\nb", "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
    ],
)
def test_a_file_name_cannot_break_out_of_its_header(name: str, expected: str) -> None:
    assert attachment(name) == expected
