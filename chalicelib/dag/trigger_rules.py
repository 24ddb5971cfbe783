"""When a task whose dependencies move may run. The rules and their names are Airflow's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from chalicelib.dag.states import TaskState


class Decision(StrEnum):
    """What becomes of the task now."""

    WAIT = "wait"
    RUN = "run"
    SKIP = "skip"
    UPSTREAM_FAILED = "upstream_failed"


Counts = Mapping[TaskState, int]

AIRFLOW_RULES = (
    "all_success",
    "all_failed",
    "all_done",
    "all_skipped",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "always",
)

_FAILED = (TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED)


def decide(rule: str, upstream: Counts, total: int) -> Decision:
    """Apply `rule` to a task with `total` direct dependencies, `upstream` of them in each state.

    Answers as soon as the end is certain: one failure is enough for `all_success`. Raises KeyError
    for a rule that is not in `RULES`; the parser lets none through.
    """
    return RULES[rule](upstream, total)


def _all_success(upstream: Counts, total: int) -> Decision:
    if any(upstream.get(state, 0) for state in _FAILED):
        return Decision.UPSTREAM_FAILED
    if upstream.get(TaskState.SKIPPED, 0):
        return Decision.SKIP
    return Decision.RUN if upstream.get(TaskState.SUCCESS, 0) >= total else Decision.WAIT


RULES: dict[str, Callable[[Counts, int], Decision]] = {"all_success": _all_success}
"""The rules that work."""
