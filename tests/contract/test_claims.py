"""What every Claims must do, asked of each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from chalicelib.claims import Claim
from chalicelib.enums import Claimant
from chalicelib.messages import Attempt
from chalicelib.ports import Claims
from tests.contract.implementations import CLAIMS

ATTEMPT = Attempt("dag", "run", "task", -1, 1)
OTHERS = [
    replace(ATTEMPT, dag_id="other"),
    replace(ATTEMPT, run_id="other"),
    replace(ATTEMPT, task_id="other"),
    replace(ATTEMPT, map_index=0),
    replace(ATTEMPT, try_number=2),
    replace(ATTEMPT, poke=1),
]


@pytest.fixture(params=sorted(CLAIMS))
def claims(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Claims]:
    with CLAIMS[cast(str, request.param)](tmp_path) as made:
        yield made


def executors(at: float) -> Claim:
    return Claim(Claimant.EXECUTOR, at, f"executor that came at {at:g}")


def test_who_comes_first_wins_and_all_others_learn_of_the_first(claims: Claims) -> None:
    first = executors(1.5)
    assert claims.take(ATTEMPT, first) is None
    assert claims.take(ATTEMPT, executors(2.0)) == first
    assert claims.take(ATTEMPT, Claim(Claimant.SCHEDULER, 3.0, "lost")) == first


def test_a_scheduler_keeps_an_executor_out(claims: Claims) -> None:
    kept = Claim(Claimant.SCHEDULER, 1.0, "cancelled é")
    assert claims.take(ATTEMPT, kept) is None
    assert claims.take(ATTEMPT, executors(2.0)) == kept


def test_who_asks_again_because_the_answer_was_lost_has_won(claims: Claims) -> None:
    claim = executors(1.0)
    assert claims.take(ATTEMPT, claim) is None
    assert claims.take(ATTEMPT, claim) is None


def test_of_many_threads_one_wins_and_the_rest_agree_on_which(claims: Claims) -> None:
    rivals = [executors(float(number)) for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda claim: claims.take(ATTEMPT, claim), rivals))
    winner = rivals[answers.index(None)]
    assert answers.count(None) == 1
    assert {answer for answer in answers if answer is not None} == {winner}


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.prefix)
def test_a_claim_is_for_one_attempt_only(claims: Claims, other: Attempt) -> None:
    claims.take(ATTEMPT, executors(1.0))
    claims.request_cancel(ATTEMPT, 2.0)
    assert not claims.is_taken(other)
    assert not claims.is_cancel_requested(other)
    assert claims.take(other, executors(3.0)) is None


def test_whether_an_attempt_is_taken_can_be_asked_without_taking_it(claims: Claims) -> None:
    assert not claims.is_taken(ATTEMPT)
    assert claims.take(ATTEMPT, executors(1.0)) is None
    assert claims.is_taken(ATTEMPT)


def test_a_cancel_is_seen_from_when_it_is_requested(claims: Claims) -> None:
    claims.take(ATTEMPT, executors(1.0))
    assert not claims.is_cancel_requested(ATTEMPT)
    claims.request_cancel(ATTEMPT, 2.0)
    claims.request_cancel(ATTEMPT, 3.0)
    assert claims.is_cancel_requested(ATTEMPT)


def test_a_request_to_cancel_takes_no_claim(claims: Claims) -> None:
    claims.request_cancel(ATTEMPT, 1.0)
    assert not claims.is_taken(ATTEMPT)
    assert claims.take(ATTEMPT, executors(2.0)) is None


def test_a_claim_leaves_a_cancel_that_was_requested_before_it(claims: Claims) -> None:
    claims.request_cancel(ATTEMPT, 1.0)
    first = executors(2.0)
    assert claims.take(ATTEMPT, first) is None
    assert claims.is_cancel_requested(ATTEMPT)
    assert claims.take(ATTEMPT, executors(3.0)) == first
