"""What is decided before a command may start: whose claim it is, and whether it is time."""

from __future__ import annotations

import io
import json
import logging

import pytest

from chalicelib.claims import BucketClaims, Claim, claim_key
from chalicelib.enums import Claimant, Outcome
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor import Executor
from chalicelib.executor.executor import LATEST_START
from chalicelib.messages import Attempt, BadMessage, Heartbeat, Result, TaskMessage, decode_report
from chalicelib.utils.logging import JsonFormatter
from tests.support.fakes import FakeBucket, FakeClock, FakeQueue

ATTEMPT = Attempt("dag", "run", "task", -1, 1)


class Desk:
    """An executor with its ports in memory and a clock that stands still."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.runs = FakeBucket()
        self.results = FakeQueue(self.clock)
        self.executor = Executor(
            self.runs, BucketClaims(self.runs), self.results, 30.0, {}, self.clock
        )

    def claim(self, by: str, claimed_at: float) -> None:
        claim = Claim(Claimant(by), claimed_at)
        assert BucketClaims(self.runs).take(ATTEMPT, claim) is None

    def handle(self, *, not_before: float | None = None, time_left: float = 900.0) -> None:
        body = TaskMessage(ATTEMPT, "exit 1", not_before=not_before).encode()
        self.executor.handle(body, time_left=lambda: time_left)

    def reports(self) -> list[object]:
        return [decode_report(body) for body in self.results.bodies()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_attempt_that_the_scheduler_claimed_is_reported_cancelled(desk: Desk) -> None:
    desk.claim("scheduler", 5.0)
    desk.handle()
    assert desk.reports() == [
        Result(ATTEMPT, Outcome.CANCELLED, reason="cancelled before it began")
    ]


def test_the_loser_of_a_claim_reports_what_the_winner_did_and_when(desk: Desk) -> None:
    desk.claim("executor", 5.0)
    desk.handle()
    assert desk.reports() == [Heartbeat(ATTEMPT, started_at=5.0, at=5.0, claimed=True)]


def test_a_claim_that_cannot_be_read_starts_nothing_and_says_nothing(desk: Desk) -> None:
    desk.runs.put(claim_key(ATTEMPT), b"not json")
    with pytest.raises(OrchestratorError, match="cannot be read"):
        desk.handle()
    assert desk.reports() == []


def test_what_is_no_task_message_is_refused(desk: Desk) -> None:
    with pytest.raises(BadMessage):
        desk.executor.handle("{}", time_left=lambda: 900.0)


def test_a_message_much_too_early_goes_back_unclaimed(desk: Desk) -> None:
    with pytest.raises(Unavailable, match="too early by 31 s"):
        desk.handle(not_before=desk.clock().timestamp() + 31)
    assert desk.runs.objects == {}


def test_what_a_machine_held_for_longer_than_claims_last_is_not_started(desk: Desk) -> None:
    with pytest.raises(Unavailable, match="too late"):
        desk.handle(not_before=desk.clock().timestamp() - LATEST_START - 1)
    assert desk.reports() == []


def test_a_message_for_which_no_time_is_left_goes_back_unclaimed(desk: Desk) -> None:
    with pytest.raises(Unavailable, match="only 10 s are left"):
        desk.handle(time_left=10.0)
    assert desk.runs.objects == {}


def test_the_time_to_wait_counts_as_time_that_is_gone(desk: Desk) -> None:
    with pytest.raises(Unavailable, match="only 40 s are left"):
        desk.handle(time_left=40.0, not_before=desk.clock().timestamp() + 25)
    assert desk.runs.objects == {}


def test_an_executor_that_was_stopped_claims_nothing(desk: Desk) -> None:
    desk.executor.stop()
    with pytest.raises(Unavailable, match="being stopped"):
        desk.handle()
    assert desk.runs.objects == {}


def test_what_is_logged_of_an_attempt_bears_its_ids(desk: Desk) -> None:
    logger, handler = logging.getLogger("orchestrator"), logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonFormatter())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel("INFO")
    try:
        desk.claim("executor", 5.0)
        desk.handle()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    line = json.loads(handler.stream.getvalue())
    assert line["message"] == "claimed by the executor already"
    assert {name: line[name] for name in ATTEMPT.ids()} == ATTEMPT.ids()
