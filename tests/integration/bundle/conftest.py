"""One installation for all tests of a module, because making it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.bundle.event_sources import EventSources, Lambda
from tests.integration.bundle.installation import Installation, installation


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A deployed stage that soon takes a silent executor for lost."""
    folder = tmp_path_factory.mktemp("installation")
    with installation(folder, heartbeat_seconds="0.2", silence_seconds="3") as made:
        yield made


@pytest.fixture(scope="module")
def functions(installed: Installation) -> Iterator[Lambda]:
    functions = Lambda(installed)
    yield functions
    functions.close()


@pytest.fixture(scope="module")
def sources(installed: Installation, functions: Lambda) -> Iterator[EventSources]:
    """Clock and queues run."""
    sources = EventSources(installed, functions)
    sources.start()
    yield sources
    sources.stop()
