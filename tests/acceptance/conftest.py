"""Fixtures of the tests that speak HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The API on an empty database."""
    api = Api(tmp_path)
    yield api
    api.close()
