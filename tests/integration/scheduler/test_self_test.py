"""A task that is sent all the way round tells which part of the way is broken."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chalicelib import config
from chalicelib.admin import self_test
from chalicelib.admin.self_test import Missing, SelfTest, Waiting
from chalicelib.claims import BucketClaims
from chalicelib.database import Database
from chalicelib.errors import Unavailable
from chalicelib.executor import Executor
from chalicelib.messages import SELF_TEST_DAG_ID
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.results import apply
from tests.support.fakes import FakeBucket, FakeClock, FakeQueue


class LogRefusing(FakeBucket):
    """Takes claims, and loses logs."""

    def put(self, key: str, body: bytes) -> None:
        if "/log/" in key:
            raise Unavailable("no room for logs")
        super().put(key, body)


class Deaf(FakeQueue):
    """Loses what is sent."""

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        pass


@dataclass
class Installation:
    """Parts that work whenever the self-test sleeps; each can be replaced by a broken one."""

    scheduler: SchedulerContext
    seconds: float = 0.0
    parts: list[Callable[[], None]] = field(default_factory=list)

    def test(self) -> SelfTest:
        return self_test.run(self.scheduler, Waiting(self._sleep, lambda: self.seconds, 3.0))

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
        for part in self.parts:
            part()

    def execute(self) -> None:
        scheduler = self.scheduler
        executor = Executor(
            scheduler.runs,
            scheduler.claims,
            scheduler.results,
            30.0,
            {"PATH": os.environ["PATH"]},
            scheduler.now,
        )
        for message in scheduler.task_queues[DEFAULT_PLACE].receive(10):
            executor.handle(message.body, time_left=lambda: 900.0)
            scheduler.task_queues[DEFAULT_PLACE].delete([message])

    def apply(self) -> None:
        messages = self.scheduler.results.receive(10)
        apply(self.scheduler, [message.body for message in messages])
        self.scheduler.results.delete(messages)


def installation(folder: Path, runs: FakeBucket, results: type[FakeQueue]) -> Installation:
    database = Database(folder / "database" / "orchestrator.sqlite")
    database.create_if_missing()
    now = FakeClock()
    return Installation(
        SchedulerContext(
            database, {DEFAULT_PLACE: FakeQueue(now)}, results(now), FakeQueue(now), FakeBucket(),
            runs, BucketClaims(runs), config.load({}), now,
        )
    )  # fmt: skip


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Installation]:
    made = installation(tmp_path, FakeBucket(), FakeQueue)
    made.parts = [made.execute, made.apply]
    yield made
    made.scheduler.database.close()


def test_where_everything_works_nothing_is_missing_and_nothing_is_left_behind(
    whole: Installation,
) -> None:
    tested = whole.test()
    assert (tested.missing, tested.reason) == (Missing.NOTHING, "")
    assert tested.began_after is not None
    assert tested.ended_after is not None
    assert tested.applied_after is not None
    assert whole.scheduler.runs.list("") == []


def test_where_no_executor_takes_the_message_the_claim_is_missing(whole: Installation) -> None:
    whole.parts = [whole.apply]
    assert whole.test() == SelfTest(Missing.CLAIM)


def test_where_results_are_not_applied_the_result_is_missing(whole: Installation) -> None:
    whole.parts = [whole.execute]
    assert whole.test() == SelfTest(Missing.RESULT)


def test_where_results_do_not_reach_the_queue_the_result_is_missing(tmp_path: Path) -> None:
    broken = installation(tmp_path, FakeBucket(), Deaf)
    broken.parts = [broken.execute, broken.apply]
    assert broken.test() == SelfTest(Missing.RESULT)


def test_where_the_bucket_loses_it_the_log_is_missing(tmp_path: Path) -> None:
    broken = installation(tmp_path, LogRefusing(), FakeQueue)
    broken.parts = [broken.execute, broken.apply]
    assert broken.test().missing is Missing.LOG


def test_a_result_of_an_earlier_test_is_not_taken_for_this_one(whole: Installation) -> None:
    whole.parts = [whole.execute]
    whole.test()
    whole.parts = []
    assert whole.test().missing is Missing.CLAIM
    whole.parts = [whole.apply]
    assert whole.test().missing is Missing.CLAIM  # the first one's result has come meanwhile
    whole.parts = [whole.execute, whole.apply]
    assert whole.test().missing is Missing.NOTHING


def test_no_dag_can_have_its_id(whole: Installation) -> None:
    from chalicelib.dag.constraints import ID_PATTERN

    assert not ID_PATTERN.fullmatch(SELF_TEST_DAG_ID)
