"""What users may do to a run or a task in its state, derived from the legal transitions.

An answer may be out of date when it is used: whoever does the thing is judged again.
"""

from __future__ import annotations

from functools import cache

from chalicelib.dag.states import (
    IN_FLIGHT,
    MARKABLE_STATES,
    RUN_ENDED,
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    RunState,
    TaskState,
)
from chalicelib.enums import RunAction, TaskAction

_WORKED_ON = IN_FLIGHT | {TaskState.SCHEDULED}
"""Cannot be cleared or marked: an executor or another DAG is working on it."""


@cache
def of_run(
    state: RunState,
    *,
    is_stopping: bool,
    is_acknowledged: bool = False,
    has_failed_tasks: bool = False,
) -> tuple[RunAction, ...]:
    """`cancel` ends it; `clear` runs all of it again, `retry` what did not succeed; `rerun` makes
    another run with the same params; `note` is always possible; `acknowledge` sets a failure aside,
    `unacknowledge` takes that back."""
    moves = RUN_TRANSITIONS[state]
    has_failure = state is RunState.FAILED or (state is RunState.SUCCESS and has_failed_tasks)
    may = {
        RunAction.CANCEL: RunState.CANCELLED in moves and not is_stopping,
        RunAction.CLEAR: RunState.QUEUED in moves,
        RunAction.RETRY: RunState.QUEUED in moves and state in RUN_ENDED - {RunState.SUCCESS},
        RunAction.ACKNOWLEDGE: has_failure and not is_acknowledged,
        RunAction.UNACKNOWLEDGE: is_acknowledged,
    }
    return tuple(action for action in RunAction if may.get(action, True))


@cache
def of_task(
    state: TaskState, *, is_stopping: bool, is_removed: bool = False
) -> tuple[TaskAction, ...]:
    """Return the actions of a task: none while its run is being stopped; only stopping if the run's
    version has the task no more."""
    if is_stopping:
        return ()
    moves = TASK_TRANSITIONS[state] - {state}
    is_free = state not in _WORKED_ON and not is_removed
    may = {
        TaskAction.CANCEL: TaskState.CANCELLED in moves,
        TaskAction.CLEAR: is_free and TaskState.NONE in moves,
        **{TaskAction(f"mark_{target}"): is_free and target in moves for target in MARKABLE_STATES},
    }
    return tuple(action for action in TaskAction if may[action])
