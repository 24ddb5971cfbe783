"""What people may do to a run or a task as it stands, read from the tables of legal moves.

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

RUN_ACTIONS = ("cancel", "clear", "retry", "rerun", "note", "acknowledge", "unacknowledge")
TASK_ACTIONS = ("cancel", "clear", *(f"mark_{state}" for state in MARKABLE_STATES))

_WORKED_ON = IN_FLIGHT | {TaskState.SCHEDULED}
"""Not for people to clear or mark: somebody else has it in hand."""


@cache
def of_run(state: RunState, *, is_stopping: bool, is_acknowledged: bool = False) -> tuple[str, ...]:
    """`cancel` ends it; `clear` runs all of it again, `retry` what did not succeed; `rerun` makes
    another run with the same params; `note` is always possible; `acknowledge` sets a failure aside,
    `unacknowledge` takes that back."""
    moves = RUN_TRANSITIONS[state]
    may = {
        "cancel": RunState.CANCELLED in moves and not is_stopping,
        "clear": RunState.QUEUED in moves,
        "retry": RunState.QUEUED in moves and state in RUN_ENDED - {RunState.SUCCESS},
        "acknowledge": state is RunState.FAILED and not is_acknowledged,
        "unacknowledge": is_acknowledged,
    }
    return tuple(action for action in RUN_ACTIONS if may.get(action, True))


@cache
def of_task(state: TaskState, *, is_stopping: bool, is_removed: bool = False) -> tuple[str, ...]:
    """Nothing while its run is being stopped; what the run's version has no more can be stopped."""
    if is_stopping:
        return ()
    moves = TASK_TRANSITIONS[state] - {state}
    is_free = state not in _WORKED_ON and not is_removed
    may = {
        "cancel": TaskState.CANCELLED in moves,
        "clear": is_free and TaskState.NONE in moves,
        **{f"mark_{target}": is_free and target in moves for target in MARKABLE_STATES},
    }
    return tuple(action for action in TASK_ACTIONS if may[action])
