"""One emulator and one account for all tests, because installing takes half a minute."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.functions import MOUNT
from tests.emulator import shims
from tests.emulator.account import Account, new_account
from tests.emulator.emulator import running

STAGES = ["dev", "second"]


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An empty one."""
    if not Path(MOUNT).is_dir():
        pytest.skip(f"there is no {MOUNT} to mount file systems at; use `python -m tests.emulator`")
    folder = tmp_path_factory.mktemp("emulator")
    with running(folder) as emulator, pytest.MonkeyPatch.context() as monkeypatch:
        # The tests call the API themselves, too.
        monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
        monkeypatch.setenv("SSL_CERT_FILE", emulator.environ["SSL_CERT_FILE"])
        monkeypatch.setenv(shims.GATEWAY_PORT, str(emulator.port))
        shims.be_found()
        yield new_account(emulator, folder / "project", STAGES)
