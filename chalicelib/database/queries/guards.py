"""The guard of a transition: which states it may leave, read from the tables of legal moves.

Every change of a state is one UPDATE with `state IN (SELECT value FROM json_each(<guard>))`; its
row count says whether the move was legal at that moment.
"""

from __future__ import annotations

import json
from functools import cache

from chalicelib.dag.states import RUN_TRANSITIONS, TASK_TRANSITIONS, RunState, TaskState


@cache
def run_guard(target: RunState) -> str:
    """The states that a run may leave for `target`, as a JSON list."""
    return json.dumps(
        sorted(state for state, targets in RUN_TRANSITIONS.items() if target in targets)
    )


@cache
def task_guard(target: TaskState) -> str:
    """The states that a task instance may leave for `target`, as a JSON list."""
    return json.dumps(
        sorted(state for state, targets in TASK_TRANSITIONS.items() if target in targets)
    )
