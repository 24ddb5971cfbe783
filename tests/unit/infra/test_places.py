"""The table of places, and all that must agree with it and cannot be made from it."""

from __future__ import annotations

import pytest
from chalice.app import SQSEventConfig

from chalicelib import config
from chalicelib.places import DEFAULT_PLACE, PLACES, Place, for_each_place
from tests.unit.infra.installation import OUTPUTS
from tests.unit.infra.test_template import RESOURCES, WHOLE, of_type

EACH_PLACE = pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))


def test_there_is_a_place_for_tasks_that_ask_for_nothing() -> None:
    assert DEFAULT_PLACE in PLACES


def test_no_two_places_share_a_function_or_a_queue() -> None:
    rows = list(PLACES.values())
    for column in ("function", "queue_setting", "queue_output", "queue_suffix"):
        assert len({getattr(row, column) for row in rows}) == len(rows)


@EACH_PLACE
def test_the_queue_of_a_place_has_a_setting(place: Place) -> None:
    settings = config.load({f"ORCHESTRATOR_{place.queue_setting}": "a-queue"})
    assert place.queue_name(settings) == "a-queue"


@EACH_PLACE
def test_the_queue_of_a_place_starts_its_function_with_one_message_at_a_time(place: Place) -> None:
    import app

    (source,) = [s for s in app.app.event_sources if s.name == place.function]
    assert isinstance(source, SQSEventConfig)
    assert source.queue == place.queue_name(app.settings)
    assert source.batch_size == 1


@EACH_PLACE
def test_the_stack_has_the_queue_of_a_place_with_its_dead_letters_and_alarms(place: Place) -> None:
    queue = RESOURCES[place.queue_output]["Properties"]
    assert queue["QueueName"] == {"!Sub": f"orchestrator-${{Stage}}-{place.queue_suffix}"}
    assert queue["VisibilityTimeout"] == 6 * place.max_seconds
    dead = queue["RedrivePolicy"]["deadLetterTargetArn"]
    assert dead == {"!GetAtt": "TasksDeadQueue.Arn"}
    name = {"!GetAtt": f"{place.queue_output}.QueueName"}
    assert WHOLE["Outputs"][place.queue_output] == {"Value": name}
    assert place.queue_output in OUTPUTS
    alarms = of_type("AWS::CloudWatch::Alarm").values()
    watched = [
        alarm
        for alarm in alarms
        if {"Name": "QueueName", "Value": name} in alarm.get("Dimensions", [])
    ]
    assert "ApproximateAgeOfOldestMessage" in {alarm["MetricName"] for alarm in watched}


def test_something_can_be_made_for_each_place() -> None:
    assert for_each_place(lambda place: place.function) == {
        name: place.function for name, place in PLACES.items()
    }
