"""Every ending has an outcome and words that tell a person why."""

from __future__ import annotations

import pytest

from chalicelib.executor.process import Exit
from chalicelib.executor.reasons import outcome_of, reason_for, time_limit
from chalicelib.executor.supervisor import Ending

TASK_LIMIT = time_limit(30.0, 100.0)


def ending(
    code: int | None = None,
    number: int | None = None,
    *,
    timed_out: bool = False,
    killed: bool = False,
) -> Ending:
    return Ending(Exit(code, number, None), 0.0, timed_out, killed)


@pytest.mark.parametrize(
    ("end", "outcome", "reason"),
    [
        (ending(0), "success", ""),
        (ending(3), "failed", "exit code 3"),
        (ending(127), "failed", "exit code 127 (command not found)"),
        (ending(126), "failed", "exit code 126 (found, but cannot be executed)"),
        (ending(143), "failed", "exit code 143 (128 + SIGTERM)"),
        (ending(137), "failed", "exit code 137 (128 + SIGKILL), perhaps out of memory"),
        (ending(255), "failed", "exit code 255"),
        (ending(number=11), "failed", "killed by signal 11 (SIGSEGV)"),
        (ending(number=9), "failed", "killed by signal 9 (SIGKILL), perhaps out of memory"),
    ],
)
def test_an_end_by_itself(end: Ending, outcome: str, reason: str) -> None:
    assert (outcome_of(end), reason_for(end, TASK_LIMIT)) == (outcome, reason)


def test_a_command_that_heeds_sigterm_with_exit_0_has_still_timed_out() -> None:
    end = ending(0, timed_out=True)
    assert outcome_of(end) == "timeout"
    assert reason_for(end, TASK_LIMIT) == "stopped after 30 s: the task's execution_timeout"


def test_a_command_that_ignores_sigterm_is_told_of() -> None:
    end = ending(number=9, timed_out=True, killed=True)
    assert reason_for(end, TASK_LIMIT).endswith("; it went on for 5 s after SIGTERM and was killed")


@pytest.mark.parametrize("timeout", [None, 200.0])
def test_the_executors_own_limit_binds_where_the_task_allows_more(timeout: float | None) -> None:
    limit = time_limit(timeout, 99.7)
    assert (limit.seconds, limit.own) == (99, True)
    reason = reason_for(ending(number=15, timed_out=True), limit)
    assert reason.startswith("stopped after 99 s: the executor itself may not run longer")


def test_without_any_limit_a_command_may_run_for_ever() -> None:
    assert time_limit(None, float("inf")).seconds == float("inf")
