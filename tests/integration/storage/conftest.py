"""Databases on real files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.database import Database
from tests.integration.storage.doubles import Connections, HeldClocks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db" / "orchestrator.db"


@pytest.fixture
def clocks() -> HeldClocks:
    return HeldClocks()


@pytest.fixture
def connections() -> Connections:
    return Connections()


@pytest.fixture
def database(path: Path, clocks: HeldClocks, connections: Connections) -> Iterator[Database]:
    """A new database, whose clocks stand still and whose connections are counted."""
    made = Database(path, clocks=clocks, connect=connections)
    made.create_if_missing()
    yield made
    made.close()
