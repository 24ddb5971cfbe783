"""Every legal transition of a run and of a task instance.

The database's guarded updates, the API's list of what may be done and the docs are made from these
tables, or tested against them. The states themselves are in `enums.py`.
"""

from __future__ import annotations

from chalicelib.enums import Mark, RunState, TaskState

__all__ = [
    "IN_FLIGHT",
    "MARKABLE_STATES",
    "RUN_ENDED",
    "RUN_TRANSITIONS",
    "TASK_ENDED",
    "TASK_TRANSITIONS",
    "RunState",
    "TaskState",
]

R, T = RunState, TaskState

RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    R.QUEUED: frozenset({R.RUNNING, R.SUCCESS, R.FAILED, R.CANCELLED}),
    R.RUNNING: frozenset({R.SUCCESS, R.FAILED, R.CANCELLED}),
    # Cleared runs: some of their tasks run again.
    R.SUCCESS: frozenset({R.QUEUED}),
    R.FAILED: frozenset({R.QUEUED}),
    R.CANCELLED: frozenset({R.QUEUED}),
}

_ENDS_UNSTARTED = {T.UPSTREAM_FAILED, T.SKIPPED, T.CANCELLED}
# A result may overtake the heartbeat that would have said "running", hence queued -> success.
_ENDS_OF_ATTEMPT = {
    T.SUCCESS,
    T.FAILED,
    T.SKIPPED,
    T.CANCELLED,
    T.UP_FOR_RETRY,
    T.UP_FOR_RESCHEDULE,
}
MARKABLE_STATES = tuple(TaskState(mark) for mark in Mark)
# Users can clear or mark a task that no executor is working on.
_SET_BY_USERS = {T.NONE, *MARKABLE_STATES}

TASK_TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    T.NONE: frozenset({T.SCHEDULED, *_ENDS_UNSTARTED, T.SUCCESS, T.FAILED}),
    # A task that triggers another DAG needs no message: the scheduler itself starts the run. A task
    # goes back to `none` when its run switches to another version of the DAG.
    T.SCHEDULED: frozenset({T.NONE, T.QUEUED, T.RUNNING, T.CANCELLED, T.SUCCESS, T.FAILED}),
    T.QUEUED: frozenset({T.RUNNING, *_ENDS_OF_ATTEMPT}),
    T.RUNNING: frozenset(_ENDS_OF_ATTEMPT),
    T.UP_FOR_RETRY: frozenset({T.SCHEDULED, T.CANCELLED, *_SET_BY_USERS}),
    T.UP_FOR_RESCHEDULE: frozenset({T.SCHEDULED, T.CANCELLED, *_SET_BY_USERS}),
    T.SUCCESS: frozenset(_SET_BY_USERS),
    T.FAILED: frozenset(_SET_BY_USERS),
    T.UPSTREAM_FAILED: frozenset(_SET_BY_USERS),
    T.SKIPPED: frozenset(_SET_BY_USERS),
    T.CANCELLED: frozenset(_SET_BY_USERS),
}

RUN_ENDED = frozenset({R.SUCCESS, R.FAILED, R.CANCELLED})
TASK_ENDED = frozenset({T.SUCCESS, T.FAILED, *_ENDS_UNSTARTED})
IN_FLIGHT = frozenset({T.QUEUED, T.RUNNING})
"""The states of a task whose message has been sent: it holds a slot of its DAG, and a result may
arrive."""
