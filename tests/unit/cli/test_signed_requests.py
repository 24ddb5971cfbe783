"""Requests to a stage with IAM authentication, before a server that checks their signature as AWS
documents it, with nothing of the library that signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest

from chalicelib.api_version import API_VERSION, API_VERSION_HEADER
from chalicelib.cli.client import Client, part
from chalicelib.cli.main import main
from chalicelib.cli.profile import Profile

KEY_ID, SECRET, SESSION = "AKIDEXAMPLE", "wJalrXUtnFEMI+bPxRfiCYEXAMPLEKEY", "session/token=="
DOCUMENT: dict[str, Any] = {"dags": [], "next_cursor": None}


def expected_signature(method: str, target: str, headers: Any, body: bytes) -> str:
    """Signature version 4 for `execute-api`, of the headers that the request says it signed."""
    fields = dict(
        item.split("=", 1)
        for item in headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
    )
    _, day, region, service, end = fields["Credential"].split("/")
    url = urlsplit(target)
    pairs = sorted(
        tuple(quote(unquote(text), safe="-_.~") for text in pair.partition("=")[::2])
        for pair in url.query.split("&")
        if pair
    )
    names = fields["SignedHeaders"].split(";")
    canonical = "\n".join(
        [
            method,
            quote(url.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            fields["SignedHeaders"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = "/".join((day, region, service, end))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["X-Amz-Date"], scope, digest])
    key = f"AWS4{SECRET}".encode()
    for step in (day, region, service, end, text):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return key.hex()


class Stage(BaseHTTPRequestHandler):
    """Answers what is signed by the key, as API Gateway does, and 403 to all else."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers.get("Authorization", "").rpartition("Signature=")[2]
        is_good = (
            bool(given)
            and self.headers["X-Amz-Security-Token"] == SESSION
            and given == expected_signature(self.command, self.path, self.headers, body)
        )
        self.send_response(200 if is_good else 403)
        if is_good:
            self.send_header(API_VERSION_HEADER, API_VERSION)
        self.end_headers()
        refusal = {"message": "The request signature we calculated does not match"}
        self.wfile.write(json.dumps(DOCUMENT if is_good else refusal).encode())

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), Stage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()


def test_signatures_hold_for_odd_queries_paths_and_bodies(url: str) -> None:
    client = Client(Profile(url, auth="iam"))

    assert client.get("/api/dags", search="a b+c/ü&=%", limit=3, paused=True) == DOCUMENT
    assert client.get(f"/api/runs/{part('etl__2026:11/ü ~')}") == DOCUMENT
    assert client.post("/api/dags/etl/run", {"params": {"day": "ü"}}) == DOCUMENT


def test_a_profile_for_iam_signs_and_a_wrong_key_is_refused_in_one_line(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["profile", "add", "prod", url, "--iam"]) == 0
    assert main(["dags", "--format", "json"]) == 0
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")

    assert main(["dags"]) == 3
    assert capsys.readouterr().err == (
        f"error: {url} answered 403 The request signature we calculated does not match: check the"
        " URL, and the token or the AWS credentials\n"
    )
