"""Our queue in moto: what moto's own loses or delays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from moto import mock_aws
from moto.sqs.models import Message

from chalicelib.aws.sqs import SqsQueue
from chalicelib.errors import OrchestratorError
from chalicelib.local.in_process_queue import InProcessQueue
from chalicelib.local.moto_queue import RECEIVES, LocalQueue, forget_instances
from chalicelib.ports import OutgoingMessage, Queue, QueueDepth
from tests.support.waiting import HANG_SECONDS, eventually

REGION = "us-east-1"


@pytest.fixture
def local() -> Iterator[LocalQueue]:
    with mock_aws():
        yield LocalQueue.create("plain", REGION, 600)


@pytest.fixture(params=["over SQS's API", "in process"])
def queue(request: pytest.FixtureRequest, local: LocalQueue) -> Queue:
    return over_sqs(local.name) if request.param == "over SQS's API" else InProcessQueue(local)


def over_sqs(name: str) -> SqsQueue:
    client = boto3.client("sqs", region_name=REGION)
    return SqsQueue(name, lambda: client)


class Interrupted(Message):
    """Each time that a deletion looks at it, another thread deletes one of `others` and sends."""

    def __init__(self, queue: LocalQueue, others: list[Message]) -> None:
        super().__init__("interrupted", "interrupted")
        self.sent: list[str] = []
        self._queue = queue
        self._others = others

    def had_receipt_handle(self, receipt_handle: str) -> bool:
        if self._others and threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=self._interrupt, args=[self._others.pop()])
            thread.start()
            # Not for ever: a deletion that keeps the other out is what we want.
            thread.join(0.1)
        return False

    def _interrupt(self, other: Message) -> None:
        self._queue.delete_message(str(other.receipt_handle))
        self.sent.append(f"sent after {other.id}")
        self._queue.add_message(Message(self.sent[-1], self.sent[-1]))


def test_what_is_sent_while_two_threads_delete_is_not_lost(local: LocalQueue) -> None:
    one, *others = messages = [Message(name, name) for name in ("one", "two", "three")]
    interrupted = Interrupted(local, others)
    for message in (interrupted, *messages):
        local.add_message(message)
        message.mark_received(600)
    local.delete_message(str(one.receipt_handle))
    eventually(lambda: interrupted.sent and set(interrupted.sent) <= bodies(local))


def bodies(queue: LocalQueue) -> set[str]:
    return {message.body for message in queue._messages}


def test_a_delayed_message_ends_the_wait_when_its_moment_has_come(local: LocalQueue) -> None:
    SqsQueue("plain", lambda: boto3.client("sqs", region_name=REGION)).send(
        [OutgoingMessage("later", delay=1)]
    )
    with ThreadPoolExecutor(1) as pool:
        pool.submit(local.wait_for_messages, 3600).result(HANG_SECONDS)
    assert [message.body for message in local.messages] == ["later"]


def test_a_message_ends_a_long_poll_at_once(queue: Queue) -> None:
    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(queue.receive, wait=20)
        queue.send([OutgoingMessage("now")])
        assert [message.body for message in polled.result(HANG_SECONDS)] == ["now"]


def test_what_is_deleted_leaves_nothing_behind(queue: Queue, local: LocalQueue) -> None:
    queue.send([OutgoingMessage(str(number)) for number in range(10)])
    messages = queue.receive()
    queue.delete(messages)
    queue.delete(messages)
    assert queue.depth() == QueueDepth(visible=0, delayed=0, in_flight=0)
    assert not local.deleted_messages


def test_moto_keeps_no_list_of_every_message_there_ever_was(queue: Queue) -> None:
    forget_instances()
    queue.send([OutgoingMessage("a"), OutgoingMessage("b")])
    assert len(queue.receive()) == 2
    assert not Message.instances_tracked  # type: ignore[attr-defined]


def test_the_depth_tells_what_waits_is_delayed_and_is_in_hand(queue: Queue) -> None:
    queue.send([OutgoingMessage("a"), OutgoingMessage("b"), OutgoingMessage("c", delay=60)])
    queue.receive(1)
    assert queue.depth() == QueueDepth(visible=1, delayed=1, in_flight=1)


@pytest.mark.parametrize("is_in_process", [False, True])
def test_a_message_that_nobody_can_handle_goes_to_the_dead_letters(is_in_process: bool) -> None:
    with mock_aws():
        dead = LocalQueue.create("dead", REGION, 600)
        local = LocalQueue.create("tasks", REGION, 0, dead)
        tasks: Queue = InProcessQueue(local) if is_in_process else over_sqs("tasks")
        tasks.send([OutgoingMessage("bad")])
        counts = [m.receive_count for _ in range(RECEIVES) for m in eventually(tasks.receive)]
        assert counts == list(range(1, RECEIVES + 1))
        assert tasks.receive() == []
        assert [m.body for m in over_sqs("dead").receive()] == ["bad"]


def test_both_ways_lead_to_the_same_messages(local: LocalQueue) -> None:
    inside, outside = InProcessQueue(local), over_sqs(local.name)
    inside.send([OutgoingMessage("from inside", group="dag")])
    outside.send([OutgoingMessage("from outside")])
    [first] = outside.receive(1)
    [second] = inside.receive()
    assert [first.body, second.body] == ["from inside", "from outside"]
    assert inside.depth() == outside.depth() == QueueDepth(visible=0, delayed=0, in_flight=2)
    inside.delete([first])
    outside.delete([second])
    assert inside.depth() == outside.depth() == QueueDepth(visible=0, delayed=0, in_flight=0)


def test_a_message_that_sqs_would_refuse_is_refused_and_the_others_are_sent(queue: Queue) -> None:
    large = OutgoingMessage("x" * (1024 * 1024 + 1))
    with pytest.raises(OrchestratorError):
        queue.send([OutgoingMessage("a"), large, OutgoingMessage("b")])
    assert sorted(message.body for message in queue.receive()) == ["a", "b"]


def test_the_attributes_are_those_of_sqs(queue: Queue) -> None:
    client = boto3.client("sqs", region_name=REGION)
    url = client.get_queue_url(QueueName="plain")["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert answer["VisibilityTimeout"] == "600"
    assert answer["QueueArn"].endswith(":plain")
    assert "RedrivePolicy" not in answer
