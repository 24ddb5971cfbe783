"""Every trigger rule against a second reading of Airflow's definitions, one upstream task at a
time instead of by counts, for all states of up to four upstream tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import pytest

from chalicelib.dag.states import TASK_ENDED, TaskState
from chalicelib.dag.trigger_rules import RULES, Decision, decide

S = TaskState
States = tuple[TaskState, ...]
Reading = Callable[[States], Decision]

# A cancelled task, which Airflow does not know, counts as failed.
RAN_AND_FAILED = {S.FAILED, S.CANCELLED}
BAD = {*RAN_AND_FAILED, S.UPSTREAM_FAILED}


def ended(states: States) -> bool:
    return all(state in TASK_ENDED for state in states)


def first(*cases: tuple[bool, Decision]) -> Decision:
    return next((decision for holds, decision in cases if holds), Decision.WAIT)


def any_of(states: States, wanted: set[TaskState]) -> bool:
    return any(state in wanted for state in states)


def all_of(states: States, wanted: set[TaskState]) -> bool:
    return all(state in wanted for state in states)


RUN, SKIP, FAILED = Decision.RUN, Decision.SKIP, Decision.UPSTREAM_FAILED

# In Airflow's order: what it sets the task to ahead of time, then what lets the task run.
READINGS: dict[str, Reading] = {
    "all_success": lambda up: first(
        (any_of(up, BAD), FAILED), (any_of(up, {S.SKIPPED}), SKIP), (all_of(up, {S.SUCCESS}), RUN)
    ),
    "all_failed": lambda up: first(
        (any_of(up, {S.SUCCESS, S.SKIPPED}), SKIP), (all_of(up, BAD), RUN)
    ),
    "all_done": lambda up: first((ended(up), RUN)),
    "all_skipped": lambda up: first(
        (any_of(up, {S.SUCCESS, *BAD}), SKIP), (all_of(up, {S.SKIPPED}), RUN)
    ),
    "one_success": lambda up: first(
        (any_of(up, {S.SUCCESS}), RUN), (all_of(up, {S.SKIPPED}), SKIP), (ended(up), FAILED)
    ),
    "one_failed": lambda up: first((any_of(up, BAD), RUN), (ended(up), SKIP)),
    "one_done": lambda up: first(
        (any_of(up, {S.SUCCESS, *RAN_AND_FAILED}), RUN), (ended(up), SKIP)
    ),
    "none_failed": lambda up: first(
        (any_of(up, BAD), FAILED), (all_of(up, {S.SUCCESS, S.SKIPPED}), RUN)
    ),
    "none_failed_min_one_success": lambda up: first(
        (any_of(up, BAD), FAILED),
        (all_of(up, {S.SKIPPED}), SKIP),
        (all_of(up, {S.SUCCESS, S.SKIPPED}), RUN),
    ),
    "none_skipped": lambda up: first((any_of(up, {S.SKIPPED}), SKIP), (ended(up), RUN)),
    "always": lambda _: RUN,
}


def combinations() -> Iterator[States]:
    for size in range(1, 5):
        yield from combinations_with_replacement(list(S), size)


def test_there_are_airflows_eleven_rules() -> None:
    assert list(RULES) == list(READINGS)
    assert len(RULES) == 11


@pytest.mark.parametrize("rule", READINGS)
def test_a_rule_decides_as_airflow_does(rule: str) -> None:
    wrong = [
        (states, decision)
        for states in combinations()
        if (decision := decide(rule, Counter(states), len(states))) is not READINGS[rule](states)
    ]
    assert wrong == []


@pytest.mark.parametrize("rule", READINGS)
def test_no_rule_waits_when_every_dependency_has_ended(rule: str) -> None:
    waiting = [
        states
        for states in combinations()
        if ended(states) and decide(rule, Counter(states), len(states)) is Decision.WAIT
    ]
    assert waiting == []


@pytest.mark.parametrize("rule", READINGS)
def test_a_task_without_dependencies_runs(rule: str) -> None:
    assert decide(rule, {}, 0) is Decision.RUN


def test_a_rule_waits_for_a_dependency_that_is_not_counted_yet() -> None:
    assert decide("all_success", {S.SUCCESS: 1}, 2) is Decision.WAIT
    assert decide("all_done", {S.FAILED: 1}, 2) is Decision.WAIT


def test_an_unknown_rule_is_an_error() -> None:
    with pytest.raises(KeyError):
        decide("most_success", {}, 1)
