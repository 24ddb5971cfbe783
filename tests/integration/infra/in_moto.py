"""An AWS account in a moto server."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.aws import Aws
from infra.names import Location
from tests.integration.infra.account import Account, copy_of_the_project
from tests.integration.infra.moto_gaps import Unserved, fill_gaps_of_moto
from tests.support.waiting import HANG_SECONDS

REGION = "us-east-1"
MOTOS_ACCOUNT = "123456789012"


@contextmanager
def account_in_moto(folder: Path) -> Iterator[Account]:
    """An empty account; `folder` gets a copy of the project that it may be deployed from. One at a
    time: it is in the environment, and all moto servers of a process share one world."""
    unserved = Unserved()
    with pytest.MonkeyPatch.context() as monkeypatch:
        fill_gaps_of_moto(monkeypatch, unserved)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        try:
            _reset(endpoint)
            yield _account(monkeypatch, endpoint, folder, unserved)
        finally:
            _reset(endpoint)
            server.stop()


def _reset(endpoint: str) -> None:
    """`mock_aws` shares the world, too."""
    reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=HANG_SECONDS).close()


def _account(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, folder: Path, unserved: Unserved
) -> Account:
    # In the environment, so that `chalice deploy` in its own process finds them, too.
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    session = boto3.Session(region_name=REGION)
    unserved.serve(session)
    aws = Aws(Location("aws", REGION, MOTOS_ACCOUNT), session, sleep=lambda _: None)
    return Account(aws, copy_of_the_project(folder), unserved)
