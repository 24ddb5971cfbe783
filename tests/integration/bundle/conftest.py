"""One installation for all tests of a module, because making it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.bundle.event_sources import EventSources, Lambda
from tests.integration.bundle.installation import Installation, installation
from tests.integration.bundle.requests_seen import Seen, every_request_is_seen
from tests.integration.bundle.user import User


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """What the functions ask of AWS."""
    with every_request_is_seen() as seen:
        yield seen


@pytest.fixture(scope="module")
def installed(
    tmp_path_factory: pytest.TempPathFactory, seen: Seen, request: pytest.FixtureRequest
) -> Iterator[Installation]:
    """A deployed stage, with the FURTHER_MEMORY that a module has."""
    folder = tmp_path_factory.mktemp("installation")
    memory = getattr(request.module, "FURTHER_MEMORY", "")
    with installation(folder, memory, heartbeat_seconds="0.2", silence_seconds="3600") as made:
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


@pytest.fixture(scope="module")
def user(functions: Lambda, sources: EventSources) -> User:
    """An operator."""
    return User(sources, functions.new_token("tests", "operator"))
