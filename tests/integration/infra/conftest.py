"""The account that the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.infra.account import Account
from tests.integration.infra.in_moto import account_in_moto


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One for all tests of a module, because a deployment builds a bundle: each test has a stage
    of its own, or leaves the stage as it was."""
    with account_in_moto(tmp_path_factory.mktemp("project")) as account:
        yield account
