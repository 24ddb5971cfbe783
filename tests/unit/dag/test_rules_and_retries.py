"""When a task may run, and when it is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dag.model import Task
from chalicelib.dag.retries import retry_at
from chalicelib.dag.states import TASK_ENDED, TaskState
from chalicelib.dag.trigger_rules import AIRFLOW_RULES, RULES, Decision, decide

S = TaskState
ENDED = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("upstream", "total", "decision"),
    [
        ({}, 0, Decision.RUN),
        ({S.SUCCESS: 2}, 2, Decision.RUN),
        ({S.SUCCESS: 1, S.RUNNING: 1}, 2, Decision.WAIT),
        ({S.SUCCESS: 1}, 2, Decision.WAIT),
        ({S.NONE: 1}, 1, Decision.WAIT),
        ({S.SUCCESS: 1, S.UP_FOR_RETRY: 1}, 2, Decision.WAIT),
        ({S.FAILED: 1, S.RUNNING: 5}, 6, Decision.UPSTREAM_FAILED),
        ({S.UPSTREAM_FAILED: 1, S.NONE: 1}, 2, Decision.UPSTREAM_FAILED),
        ({S.CANCELLED: 1, S.SUCCESS: 1}, 2, Decision.UPSTREAM_FAILED),
        ({S.FAILED: 1, S.SKIPPED: 1}, 2, Decision.UPSTREAM_FAILED),
        ({S.SKIPPED: 1, S.RUNNING: 1}, 2, Decision.SKIP),
        ({S.FAILED: 0, S.SKIPPED: 0, S.SUCCESS: 1}, 1, Decision.RUN),
    ],
)
def test_all_success_decides_as_soon_as_the_end_is_certain(
    upstream: dict[TaskState, int], total: int, decision: Decision
) -> None:
    assert decide("all_success", upstream, total) is decision


COUNTS = st.dictionaries(st.sampled_from(list(S)), st.integers(0, 3))


@given(st.sampled_from(sorted(RULES)), COUNTS)
def test_no_rule_waits_when_every_dependency_has_ended(
    rule: str, counts: dict[TaskState, int]
) -> None:
    ended = {state: count for state, count in counts.items() if state in TASK_ENDED}

    assert decide(rule, ended, sum(ended.values())) is not Decision.WAIT


@given(COUNTS)
def test_all_success_runs_only_behind_successes(counts: dict[TaskState, int]) -> None:
    total = sum(counts.values())

    runs = decide("all_success", counts, total) is Decision.RUN
    assert runs == (counts.get(S.SUCCESS, 0) == total)


def test_the_rules_have_airflows_names() -> None:
    assert set(RULES) <= set(AIRFLOW_RULES)


def test_retries_are_attempts_beyond_the_first() -> None:
    task = Task("a", "false", retries=2, retry_delay=90.0)

    assert retry_at(task, 1, ENDED) == ENDED + timedelta(seconds=90)
    assert retry_at(task, 2, ENDED) == ENDED + timedelta(seconds=90)
    assert retry_at(task, 3, ENDED) is None


def test_a_task_without_retries_is_not_tried_again() -> None:
    assert retry_at(Task("a", "false"), 1, ENDED) is None


def test_the_end_of_an_attempt_must_say_its_zone() -> None:
    with pytest.raises(ValueError, match="is naive"):
        retry_at(Task("a", "false", retries=1), 1, ENDED.replace(tzinfo=None))
