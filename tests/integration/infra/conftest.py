"""An AWS account in a moto server."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.aws import Aws
from infra.naming import Place
from tests.integration.infra.account import Account, copy_of_the_project
from tests.integration.infra.moto_gaps import Unserved, fill_gaps_of_moto

REGION = "us-east-1"
MOTOS_ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One for all tests of a module, because a deployment builds a bundle: each test has a stage
    of its own, or leaves the stage as it was."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        fill_gaps_of_moto(monkeypatch)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        try:
            _reset(endpoint)
            yield _account(monkeypatch, endpoint, tmp_path_factory)
        finally:
            _reset(endpoint)
            server.stop()


def _reset(endpoint: str) -> None:
    """All moto servers of a process, and `mock_aws`, share one world."""
    reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=10).close()


def _account(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, folders: pytest.TempPathFactory
) -> Account:
    # In the environment, so that `chalice deploy` in its own process finds them, too.
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    session = boto3.Session(region_name=REGION)
    unserved = Unserved()
    unserved.serve(session)
    aws = Aws(Place("aws", REGION, MOTOS_ACCOUNT), session, sleep=lambda _: None)
    return Account(aws, copy_of_the_project(folders.mktemp("project")), unserved)
