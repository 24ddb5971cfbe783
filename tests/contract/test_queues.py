"""What every Queue must do, asked of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from chalicelib.ports import OutgoingMessage, Queue, ReceivedMessage
from tests.contract.implementations import QUEUES, VISIBILITY, Pass
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Subject:
    """A queue and the passing of its time."""

    queue: Queue
    let_pass: Pass

    def send(self, *bodies: str) -> None:
        self.queue.send([OutgoingMessage(body) for body in bodies])

    def receive_after(self, seconds: float) -> list[ReceivedMessage]:
        self.let_pass(seconds)
        return eventually(self.queue.receive)

    def take_all(self) -> list[str]:
        bodies: list[str] = []
        while found := self.queue.receive():
            bodies += [message.body for message in found]
            self.queue.delete(found)
        return bodies


@pytest.fixture(params=sorted(QUEUES))
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    with QUEUES[cast(str, request.param)](tmp_path) as (queue, let_pass):
        yield Subject(queue, let_pass)


def test_a_message_that_was_sent_is_received_with_its_first_count(subject: Subject) -> None:
    subject.send('{"a":1}')
    [message] = subject.queue.receive()
    assert (message.body, message.receive_count) == ('{"a":1}', 1)


def test_an_empty_queue_gives_nothing(subject: Subject) -> None:
    assert subject.queue.receive() == []


def test_more_than_one_batch_is_sent_whole(subject: Subject) -> None:
    bodies = [f"message {number}" for number in range(25)]
    subject.send(*bodies)
    assert sorted(subject.take_all()) == sorted(bodies)


def test_large_messages_are_spread_over_calls(subject: Subject) -> None:
    bodies = [str(number) * 100_000 for number in range(6)]
    subject.send(*bodies)
    assert sorted(subject.take_all()) == sorted(bodies)


def test_sending_nothing_is_no_error(subject: Subject) -> None:
    subject.queue.send([])
    subject.queue.delete([])


def test_a_receive_honours_its_limit(subject: Subject) -> None:
    subject.send(*"abcde")
    assert len(subject.queue.receive(2)) == 2
    assert len(subject.queue.receive(10)) == 3


def test_a_received_message_is_hidden_and_comes_back_with_a_higher_count(subject: Subject) -> None:
    subject.send("again")
    [first] = subject.queue.receive()
    assert subject.queue.receive() == []
    [second] = subject.receive_after(VISIBILITY)
    assert (second.body, second.message_id) == (first.body, first.message_id)
    assert second.receive_count == 2


def test_a_deleted_message_does_not_come_back(subject: Subject) -> None:
    subject.send("done", "left")
    messages = {message.body: message for message in subject.queue.receive()}
    subject.queue.delete([messages["done"]])
    [back] = subject.receive_after(VISIBILITY)
    assert back.body == "left"
    assert subject.queue.depth().in_flight == 1


def test_deleting_twice_is_no_error(subject: Subject) -> None:
    subject.send("once")
    messages = subject.queue.receive()
    subject.queue.delete(messages)
    subject.queue.delete(messages)
    assert subject.take_all() == []


def test_a_delayed_message_appears_later(subject: Subject) -> None:
    subject.queue.send([OutgoingMessage("later", delay=900)])
    assert subject.queue.receive() == []
    [message] = subject.receive_after(900)
    assert message.body == "later"


def test_a_group_is_accepted_and_orders_nothing(subject: Subject) -> None:
    group = "x" * 200
    subject.queue.send([OutgoingMessage("a", group=group), OutgoingMessage("b", group="dag")])
    assert sorted(subject.take_all()) == ["a", "b"]


def test_depth_counts_waiting_delayed_and_held_messages(subject: Subject) -> None:
    subject.send("a", "b", "c")
    subject.queue.send([OutgoingMessage("later", delay=900)])
    subject.queue.receive(1)
    depth = subject.queue.depth()
    assert (depth.visible, depth.delayed, depth.in_flight) == (2, 1, 1)


def test_a_message_can_be_hidden_for_longer_and_for_less(subject: Subject) -> None:
    subject.send("long")
    [held] = subject.queue.receive()
    subject.queue.hide([held], 3 * VISIBILITY)
    subject.let_pass(2 * VISIBILITY)
    assert subject.queue.receive() == []
    subject.queue.hide([held], 0)
    [again] = subject.receive_after(1)
    assert (again.body, again.receive_count) == ("long", 2)


def test_hiding_what_is_gone_or_anothers_by_now_is_no_error(subject: Subject) -> None:
    subject.queue.hide([], 60)
    subject.send("gone")
    [first] = subject.queue.receive()
    subject.queue.delete([first])
    subject.queue.hide([first], 60)
