"""Fixtures that every kind of test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.world import World

# By default Hypothesis fails a test by how long it takes.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds on files of their own, and closes them."""
    made: list[World] = []

    def make(*args: Any, **options: Any) -> World:
        world = World(tmp_path / str(len(made)), *args, **options)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()
