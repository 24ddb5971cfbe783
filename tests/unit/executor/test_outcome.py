"""Every ending has an outcome and words that tell a person why."""

from __future__ import annotations

import pytest

from chalicelib.enums import Outcome
from chalicelib.executor.outcome import Verdict, time_limit, verdict_of, verdict_of_when
from chalicelib.executor.process import Exit
from chalicelib.executor.supervisor import Ending, Stop

TASK_LIMIT = time_limit(30.0, 100.0)


def ending(
    code: int | None = None,
    number: int | None = None,
    *,
    stop: Stop | None = None,
    killed: bool = False,
) -> Ending:
    return Ending(Exit(code, number, None), 0.0, stop, killed)


@pytest.mark.parametrize(
    ("end", "outcome", "reason"),
    [
        (ending(0), "success", ""),
        (ending(3), "failed", "exit code 3"),
        (ending(127), "failed", "exit code 127 (command not found)"),
        (ending(126), "failed", "exit code 126 (found, but cannot be executed)"),
        (ending(143), "failed", "exit code 143 (128 + SIGTERM)"),
        (ending(137), "failed", "exit code 137 (128 + SIGKILL), possibly out of memory"),
        (ending(255), "failed", "exit code 255"),
        (ending(number=11), "failed", "killed by signal 11 (SIGSEGV)"),
        (ending(number=9), "failed", "killed by signal 9 (SIGKILL), possibly out of memory"),
    ],
)
def test_an_end_by_itself(end: Ending, outcome: str, reason: str) -> None:
    verdict = verdict_of(end, TASK_LIMIT)
    assert (verdict.outcome, verdict.reason, verdict.exit) == (outcome, reason, end.exit)


def test_a_command_that_heeds_sigterm_with_exit_0_has_still_timed_out() -> None:
    verdict = verdict_of(ending(0, stop=Outcome.TIMEOUT), TASK_LIMIT)
    assert verdict.outcome == "timeout"
    assert verdict.reason == "stopped after 30 s, the task's execution_timeout"


def test_a_command_that_heeds_sigterm_with_exit_0_is_still_cancelled() -> None:
    verdict = verdict_of(ending(0, stop=Outcome.CANCELLED), TASK_LIMIT)
    assert (verdict.outcome, verdict.reason) == ("cancelled", "cancelled while running")


@pytest.mark.parametrize("stop", ["timeout", "cancelled"])
def test_a_command_that_ignores_sigterm_is_told_of(stop: Stop) -> None:
    verdict = verdict_of(ending(number=9, stop=stop, killed=True), TASK_LIMIT)
    assert verdict.reason.endswith("; it ignored SIGTERM for 5 s and was killed")


def test_a_command_skips_itself_by_its_exit_code() -> None:
    verdict = verdict_of(ending(99), TASK_LIMIT, [98, 99])
    assert (verdict.outcome, verdict.exit.code) == ("skipped", 99)
    assert verdict.reason == "skipped: exit code 99 is in the task's skip_on_exit_code"


def test_other_exit_codes_and_signals_skip_nothing() -> None:
    for end in (ending(3), ending(number=9)):
        assert verdict_of(end, TASK_LIMIT, [99]).outcome == "failed"
    assert verdict_of(ending(99, stop=Outcome.TIMEOUT), TASK_LIMIT, [99]).outcome == "timeout"


def test_a_when_that_exits_0_lets_the_command_run() -> None:
    assert verdict_of_when(ending(0), TASK_LIMIT) is None


def test_a_when_that_exits_1_skips() -> None:
    verdict = verdict_of_when(ending(1), TASK_LIMIT)
    assert verdict == Verdict(Outcome.SKIPPED, "skipped: its `when` was false (exit code 1)")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (ending(2), "its `when` ended with exit code 2: "),
        (ending(127), "its `when` ended with exit code 127 (command not found): "),
        (ending(255), "its `when` ended with exit code 255: "),
        (ending(number=9), "its `when` was killed by signal 9 (SIGKILL), possibly out of memory: "),
    ],
)
def test_a_when_that_ends_otherwise_has_failed(end: Ending, words: str) -> None:
    verdict = verdict_of_when(end, TASK_LIMIT)
    assert verdict == Verdict(
        Outcome.FAILED, f"{words}only exit code 0 runs the task and 1 skips it"
    )


def test_a_when_that_never_ends_is_a_timeout_and_no_skip() -> None:
    verdict = verdict_of_when(ending(0, stop=Outcome.TIMEOUT), TASK_LIMIT)
    assert verdict == Verdict(
        Outcome.TIMEOUT, "its `when`: stopped after 30 s, the task's execution_timeout"
    )


@pytest.mark.parametrize("timeout", [None, 200.0])
def test_the_executors_own_limit_binds_where_the_task_allows_more(timeout: float | None) -> None:
    limit = time_limit(timeout, 99.7)
    assert (limit.seconds, limit.own) == (99, True)
    reason = verdict_of(ending(number=15, stop=Outcome.TIMEOUT), limit).reason
    assert reason.startswith("stopped after 99 s: the executor cannot run longer")


def test_without_any_limit_a_command_may_run_for_ever() -> None:
    assert time_limit(None, float("inf")).seconds == float("inf")


def test_no_time_left_is_no_negative_time() -> None:
    assert time_limit(None, -3.2).seconds == 0
