"""Trigger rules: decide from the states of its dependencies whether a task may run.

The rules and their names are Airflow's, with the meaning of its `TriggerRuleDep`. A cancelled task,
which Airflow does not have, counts as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.dag.states import TASK_ENDED, TaskState
from chalicelib.enums import TriggerRule


class Decision(StrEnum):
    """What happens to the task now."""

    WAIT = "wait"
    RUN = "run"
    SKIP = "skip"
    UPSTREAM_FAILED = "upstream_failed"


Counts = Mapping[TaskState, int]


def decide(rule: str, upstream: Counts, total: int) -> Decision:
    """Apply `rule` to a task with `total` direct dependencies, counted by state in `upstream`.

    Decides as early as possible: one failure is enough for `all_success`. A task without
    dependencies runs. Raises KeyError for a rule that is not in `RULES`; the parser rejects those.
    """
    decide_by = RULES[rule]
    return decide_by(_Upstream.of(upstream, total)) if total else Decision.RUN


@dataclass(frozen=True, slots=True)
class _Upstream:
    """How many dependencies ended in each way; `failed` excludes `upstream_failed`."""

    total: int
    success: int
    skipped: int
    failed: int
    upstream_failed: int
    done: int

    @classmethod
    def of(cls, counts: Counts, total: int) -> _Upstream:
        return cls(
            total=total,
            success=counts.get(TaskState.SUCCESS, 0),
            skipped=counts.get(TaskState.SKIPPED, 0),
            failed=counts.get(TaskState.FAILED, 0) + counts.get(TaskState.CANCELLED, 0),
            upstream_failed=counts.get(TaskState.UPSTREAM_FAILED, 0),
            done=sum(counts.get(state, 0) for state in TASK_ENDED),
        )

    @property
    def any_failed(self) -> bool:
        return self.failed + self.upstream_failed > 0

    @property
    def all_done(self) -> bool:
        return self.done >= self.total


def _all_success(up: _Upstream) -> Decision:
    if up.any_failed:
        return Decision.UPSTREAM_FAILED
    if up.skipped:
        return Decision.SKIP
    return _run_if(up.all_done)


def _all_failed(up: _Upstream) -> Decision:
    return Decision.SKIP if up.success or up.skipped else _run_if(up.all_done)


def _all_done(up: _Upstream) -> Decision:
    return _run_if(up.all_done)


def _all_skipped(up: _Upstream) -> Decision:
    return Decision.SKIP if up.success or up.any_failed else _run_if(up.all_done)


def _one_success(up: _Upstream) -> Decision:
    if up.success or not up.all_done:
        return _run_if(bool(up.success))
    return Decision.UPSTREAM_FAILED if up.any_failed else Decision.SKIP


def _one_failed(up: _Upstream) -> Decision:
    if up.any_failed:
        return Decision.RUN
    return Decision.SKIP if up.all_done else Decision.WAIT


def _one_done(up: _Upstream) -> Decision:
    if up.success or up.failed:
        return Decision.RUN
    return Decision.SKIP if up.all_done else Decision.WAIT


def _none_failed(up: _Upstream) -> Decision:
    return Decision.UPSTREAM_FAILED if up.any_failed else _run_if(up.all_done)


def _none_failed_min_one_success(up: _Upstream) -> Decision:
    if up.any_failed:
        return Decision.UPSTREAM_FAILED
    if up.skipped >= up.total:
        return Decision.SKIP
    return _run_if(up.all_done)


def _none_skipped(up: _Upstream) -> Decision:
    return Decision.SKIP if up.skipped else _run_if(up.all_done)


def _always(_: _Upstream) -> Decision:
    return Decision.RUN


def _run_if(may_run: bool) -> Decision:
    return Decision.RUN if may_run else Decision.WAIT


RULES: dict[str, Callable[[_Upstream], Decision]] = {
    TriggerRule.ALL_SUCCESS: _all_success,
    TriggerRule.ALL_FAILED: _all_failed,
    TriggerRule.ALL_DONE: _all_done,
    TriggerRule.ALL_SKIPPED: _all_skipped,
    TriggerRule.ONE_SUCCESS: _one_success,
    TriggerRule.ONE_FAILED: _one_failed,
    TriggerRule.ONE_DONE: _one_done,
    TriggerRule.NONE_FAILED: _none_failed,
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: _none_failed_min_one_success,
    TriggerRule.NONE_SKIPPED: _none_skipped,
    TriggerRule.ALWAYS: _always,
}


WAITING_RULES = frozenset(
    {
        TriggerRule.ALL_SUCCESS,
        TriggerRule.ALL_DONE,
        TriggerRule.NONE_FAILED,
        TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        TriggerRule.NONE_SKIPPED,
        TriggerRule.ONE_FAILED,
    }
)
"""A success decides none of these as long as another dependency has not ended."""
