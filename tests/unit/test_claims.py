"""The claim as it lies in a bucket."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.claims import (
    BucketClaims,
    Claim,
    TransitionalClaims,
    UnreadableClaim,
    cancel_key,
    claim_key,
)
from chalicelib.enums import Claimant, Outcome
from chalicelib.executor import Executor
from chalicelib.messages import Attempt, Result, TaskMessage, decode_report
from chalicelib.ports import StoredObject
from chalicelib.scheduler.claims import stop
from tests.support.fakes import FakeBucket, FakeClaims, FakeClock, FakeQueue

ATTEMPT = Attempt("dag", "run", "task", -1, 2, 1)


class AnswerLost(FakeBucket):
    """Stores, and says that the object was there already: an answer lost and a call repeated."""

    def create(self, key: str, body: bytes) -> bool:
        super().create(key, body)
        return False


class Emptied(FakeBucket):
    """Says that an object is there, and then has none."""

    def create(self, key: str, body: bytes) -> bool:
        return False

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        return None


def test_claim_and_cancel_mark_lie_beside_the_attempts_log() -> None:
    runs = FakeBucket()
    claims = BucketClaims(runs)
    claims.take(ATTEMPT, Claim(Claimant.EXECUTOR, 1.0))
    claims.request_cancel(ATTEMPT, 2.0)
    assert sorted(runs.objects) == [cancel_key(ATTEMPT), claim_key(ATTEMPT)]
    assert all(key.startswith(ATTEMPT.prefix) for key in runs.objects)


def test_a_claim_is_the_same_after_the_bucket() -> None:
    claim = Claim(Claimant.SCHEDULER, 12.25, "cancelled")
    assert Claim.decode(claim.encode()) == claim


def test_a_claim_whose_answer_was_lost_is_known_again_by_its_token() -> None:
    assert BucketClaims(AnswerLost()).take(ATTEMPT, Claim(Claimant.EXECUTOR, 7.0)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff",
        b"null",
        b"7",
        b"[]",
        b'"executor"',
        b"{}",
        b'{"by": "executor"}',
        b'{"claimed_at": 1.0}',
        b'{"by": "nobody", "claimed_at": 1.0}',
        b'{"by": "executor", "claimed_at": "soon"}',
        b'{"by": "executor", "claimed_at": null}',
        b'{"by": ["executor"], "claimed_at": 1.0}',
    ],
    ids=repr,
)
def test_a_claim_that_says_nothing_names_its_key(body: bytes) -> None:
    runs = FakeBucket()
    runs.put(claim_key(ATTEMPT), body)
    claims = BucketClaims(runs)
    with pytest.raises(UnreadableClaim, match=rf"`{claim_key(ATTEMPT)}`.*cannot be read"):
        claims.take(ATTEMPT, Claim(Claimant.EXECUTOR, 7.0))
    assert claims.is_taken(ATTEMPT)


def test_a_claim_that_is_gone_when_it_is_read_is_not_taken_for_ones_own() -> None:
    with pytest.raises(UnreadableClaim):
        BucketClaims(Emptied()).take(ATTEMPT, Claim(Claimant.EXECUTOR, 7.0))


def test_an_executor_takes_a_claim_wherever_claims_are_kept() -> None:
    clock, runs, claims = FakeClock(), FakeBucket(), FakeClaims()
    results = FakeQueue(clock)
    executor = Executor(runs, claims, results, 30.0, {}, clock)
    claims.take(ATTEMPT, Claim(Claimant.SCHEDULER, 1.0, "cancelled"))
    executor.handle(TaskMessage(ATTEMPT, "exit 1").encode(), time_left=lambda: 900.0)
    assert [decode_report(body) for body in results.bodies()] == [
        Result(ATTEMPT, Outcome.CANCELLED, reason="cancelled before it began")
    ]
    assert runs.objects == {}


def test_a_scheduler_takes_a_claim_and_asks_for_a_stop_wherever_claims_are_kept() -> None:
    claims, now = FakeClaims(), FakeClock()()
    begun = replace(ATTEMPT, try_number=7)
    claims.take(begun, Claim(Claimant.EXECUTOR, 1.0))
    assert stop(claims, ATTEMPT, now) is True
    assert stop(claims, begun, now) is False
    assert (claims.is_taken(ATTEMPT), claims.cancels) == (True, {begun})


class Transition:
    """Claims in two stores, with a clock that stands before or after the end of the transition."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.before, self.after = FakeClaims(), FakeClaims()
        until = self.clock() + timedelta(days=7)
        self.claims = TransitionalClaims(self.before, self.after, until, self.clock)

    def end(self) -> None:
        self.clock.advance(8 * 86_400)


def test_a_claim_of_the_previous_version_is_honoured() -> None:
    transition, older = Transition(), Claim(Claimant.EXECUTOR, 1.0, "older")
    transition.before.take(ATTEMPT, older)
    assert transition.claims.take(ATTEMPT, Claim(Claimant.EXECUTOR, 2.0)) == older
    assert transition.claims.is_taken(ATTEMPT)
    assert transition.after.taken == {ATTEMPT: older}  # also when the transition is over


def test_the_previous_version_honours_a_claim_of_this_one() -> None:
    transition, newer = Transition(), Claim(Claimant.EXECUTOR, 1.0, "newer")
    assert transition.claims.take(ATTEMPT, newer) is None
    assert transition.before.take(ATTEMPT, Claim(Claimant.EXECUTOR, 2.0)) == newer
    assert transition.after.taken == {ATTEMPT: newer}


def test_who_believes_the_transition_is_over_and_who_does_not_cannot_both_win() -> None:
    transition, early = Transition(), Claim(Claimant.EXECUTOR, 1.0, "early")
    assert transition.after.take(ATTEMPT, early) is None
    late = [Claim(Claimant.EXECUTOR, 2.0), Claim(Claimant.EXECUTOR, 3.0)]
    assert [transition.claims.take(ATTEMPT, claim) for claim in late] == [early, early]


def test_a_cancel_reaches_executors_of_both_versions() -> None:
    transition = Transition()
    transition.claims.request_cancel(ATTEMPT, 1.0)
    assert transition.before.cancels == transition.after.cancels == {ATTEMPT}
    other = replace(ATTEMPT, try_number=9)
    transition.before.request_cancel(other, 1.0)
    assert transition.claims.is_cancel_requested(other)


def test_after_the_transition_the_previous_store_is_not_asked_any_more() -> None:
    transition = Transition()
    transition.before.take(ATTEMPT, Claim(Claimant.EXECUTOR, 1.0))
    transition.before.request_cancel(ATTEMPT, 1.0)
    transition.end()
    assert not transition.claims.is_taken(ATTEMPT)
    assert not transition.claims.is_cancel_requested(ATTEMPT)
    assert transition.claims.take(ATTEMPT, Claim(Claimant.EXECUTOR, 2.0)) is None
    transition.claims.request_cancel(replace(ATTEMPT, try_number=9), 1.0)
    assert transition.before.cancels == {ATTEMPT}
