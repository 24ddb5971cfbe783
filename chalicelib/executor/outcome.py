"""Decides the outcome of an attempt, and words the reason for users. Pure."""

from __future__ import annotations

import math
import signal
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from chalicelib.enums import Outcome
from chalicelib.executor.process import Exit
from chalicelib.executor.supervisor import TERM_GRACE, Ending, Stop
from chalicelib.messages import StoredArtifact

# The exit codes of a shell that cannot run a program.
SHELL_CODES = {126: "found, but cannot be executed", 127: "command not found"}

WHEN_SAYS_NO = 1

_NEVER_STARTED = Exit(None, None, None)


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """`seconds` may be infinite; `own`: the executor's limit, not the task's."""

    seconds: float
    own: bool

    def reason(self) -> str:
        if self.own:
            return (
                f"stopped after {self.seconds:g} s: the executor cannot run longer;"
                " make the command shorter, or split it into several tasks"
            )
        return f"stopped after {self.seconds:g} s, the task's execution_timeout"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reported outcome of an attempt. `exit` is the command's."""

    outcome: Outcome
    reason: str = ""
    exit: Exit = _NEVER_STARTED
    outputs: dict[str, Any] = field(default_factory=dict)
    artifacts: list[StoredArtifact] = field(default_factory=list)


def time_limit(timeout: float | None, allowed: float) -> TimeLimit:
    """Return the shorter of the task's timeout and the executor's time left, in seconds."""
    if timeout is not None and timeout <= allowed:
        return TimeLimit(timeout, own=False)
    return TimeLimit(max(0, math.floor(allowed)) if math.isfinite(allowed) else allowed, own=True)


def verdict_of(ending: Ending, limit: TimeLimit, skip_codes: Container[int] = ()) -> Verdict:
    """Judge a command that has ended; `skip_codes` are the exit codes by which it skips itself."""
    if ending.stop is not None:
        return _of_stop(ending, limit)
    code = ending.exit.code
    if code in skip_codes:
        reason = f"skipped: exit code {code} is in the task's skip_on_exit_code"
        return Verdict(Outcome.SKIPPED, reason, ending.exit)
    return Verdict(
        Outcome.SUCCESS if code == 0 else Outcome.FAILED, _of_exit(ending.exit), ending.exit
    )


def verdict_of_when(ending: Ending, limit: TimeLimit) -> Verdict | None:
    """Judge a task's `when` as `test` and `grep` exit: 0 is yes, 1 is no, anything else an error.

    Returns None if the command is to run. No verdict has an exit code: that is the command's, which
    never ran, and by which a sensor is asked again.
    """
    if ending.stop is not None:
        verdict = _of_stop(ending, limit)
        return Verdict(verdict.outcome, f"its `when`: {verdict.reason}")
    if ending.exit.code == 0:
        return None
    how = _of_exit(ending.exit)
    if ending.exit.code == WHEN_SAYS_NO:
        return Verdict(Outcome.SKIPPED, f"skipped: its `when` was false ({how})")
    verb = "was" if ending.exit.signal is not None else "ended with"
    rule = "only exit code 0 runs the task and 1 skips it"
    return Verdict(Outcome.FAILED, f"its `when` {verb} {how}: {rule}")


def verdict_of_interruption(stop: Stop, limit: TimeLimit) -> Verdict:
    """Judge an attempt that was stopped before everything it needs was in place."""
    if stop is Outcome.CANCELLED:
        return Verdict(stop, "cancelled while what it brings along was being fetched")
    return Verdict(stop, f"{limit.reason()}; what it brings along was still being fetched")


def verdict_of_interrupted_storing(verdict: Verdict, stop: Stop, limit: TimeLimit) -> Verdict:
    """Judge an attempt that was stopped after its command had ended."""
    still = "its artifacts were still being stored"
    why = "cancelled" if stop is Outcome.CANCELLED else limit.reason()
    return Verdict(stop, f"{why}; {still}", verdict.exit)


def _of_stop(ending: Ending, limit: TimeLimit) -> Verdict:
    ignored = f"; it ignored SIGTERM for {TERM_GRACE:g} s and was killed"
    stubborn = ignored if ending.killed else ""
    if ending.stop is Outcome.CANCELLED:
        return Verdict(Outcome.CANCELLED, "cancelled while running" + stubborn, ending.exit)
    return Verdict(Outcome.TIMEOUT, limit.reason() + stubborn, ending.exit)


def _of_exit(exit_: Exit) -> str:
    """Describe a failure; empty for exit code 0."""
    if exit_.signal is not None:
        return f"killed by signal {exit_.signal} ({_name(exit_.signal)}){_hint(exit_.signal)}"
    code = exit_.code or 0
    if code == 0:
        return ""
    if code in SHELL_CODES:
        return f"exit code {code} ({SHELL_CODES[code]})"
    # A shell reports in this way that the program it ran was killed.
    if name := _name(code - 128):
        return f"exit code {code} (128 + {name}){_hint(code - 128)}"
    return f"exit code {code}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _hint(number: int) -> str:
    return ", possibly out of memory" if number == signal.SIGKILL else ""
