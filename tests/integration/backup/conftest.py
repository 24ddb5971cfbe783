"""A live database with the ledger in it, and what keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.admin.backup import BackupContext
from chalicelib.database import Database
from tests.integration.storage import ledger
from tests.integration.storage.test_kills import Worker
from tests.support.fakes import FakeBucket, FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "efs" / "my-database" / "orchestrator.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    made = Database(path)
    made.create_if_missing()
    ledger.prepare(made)
    yield made
    made.close()


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def backup_context(
    database: Database, bucket: FakeBucket, clock: FakeClock, tmp_path: Path
) -> BackupContext:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return BackupContext(Database(database.path), bucket, clock, scratch=scratch, linger=0.0)


@pytest.fixture
def writers(database: Database, tmp_path: Path) -> Iterator[list[Worker]]:
    """Two processes that add to the ledger."""
    started = [Worker("write", database.path, tmp_path / f"writer{i}") for i in range(2)]
    yield started
    for worker in started:
        worker.kill()


@pytest.fixture
def reopened(backup_context: BackupContext) -> Callable[[], BackupContext]:
    """A backup_context as another process would build it."""
    return lambda: replace(backup_context, database=Database(backup_context.database.path))
