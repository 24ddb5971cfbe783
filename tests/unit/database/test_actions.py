"""What is offered follows from the tables of legal moves."""

from __future__ import annotations

import pytest

from chalicelib.dag.states import RUN_ENDED, TASK_TRANSITIONS, RunState, TaskState
from chalicelib.database.reads import actions

TARGETS = {
    "cancel": TaskState.CANCELLED,
    "clear": TaskState.NONE,
    "mark_success": TaskState.SUCCESS,
    "mark_failed": TaskState.FAILED,
    "mark_skipped": TaskState.SKIPPED,
}


@pytest.mark.parametrize("state", TaskState)
def test_every_action_on_a_task_is_a_legal_move(state: TaskState) -> None:
    for action in actions.of_task(state, is_stopping=False):
        assert TARGETS[action] in TASK_TRANSITIONS[state]
        assert TARGETS[action] is not state


@pytest.mark.parametrize("state", [TaskState.SCHEDULED, TaskState.QUEUED, TaskState.RUNNING])
def test_what_somebody_works_on_can_only_be_cancelled(state: TaskState) -> None:
    assert actions.of_task(state, is_stopping=False) == ("cancel",)


@pytest.mark.parametrize("state", RunState)
def test_a_run_can_be_cancelled_until_it_has_ended_or_is_being_stopped(state: RunState) -> None:
    offered = actions.of_run(state, is_stopping=False)
    assert ("cancel" in offered) is (state not in RUN_ENDED)
    assert ("clear" in offered) is (state in RUN_ENDED)
    assert "cancel" not in actions.of_run(state, is_stopping=True)


@pytest.mark.parametrize("state", RunState)
def test_only_a_failure_can_be_acknowledged_and_that_taken_back(state: RunState) -> None:
    offered = actions.of_run(state, is_stopping=False)
    assert ("acknowledge" in offered) is (state is RunState.FAILED)
    assert "unacknowledge" not in offered
    then = actions.of_run(RunState.FAILED, is_stopping=False, is_acknowledged=True)
    assert ("acknowledge" in then, "unacknowledge" in then) == (False, True)
