"""The template and `app.py` against the table of places."""

from __future__ import annotations

from chalice.app import SQSEventConfig

from chalicelib import config
from chalicelib.places import installed


def test_the_queue_of_the_default_place_starts_its_function_with_one_message_at_a_time() -> None:
    import app

    place = installed(config.load({})).default
    (source,) = [s for s in app.app.event_sources if s.name == place.function]
    assert isinstance(source, SQSEventConfig)
    assert source.queue == place.queue
    assert source.batch_size == 1
