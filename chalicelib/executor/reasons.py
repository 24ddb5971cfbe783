"""Why an attempt ended as it did, in words for people. Pure."""

from __future__ import annotations

import math
import signal
from dataclasses import dataclass

from chalicelib.executor.process import Exit
from chalicelib.executor.supervisor import TERM_GRACE, Ending
from chalicelib.messages import Outcome

# What shells answer when they cannot run what they were told to.
_SHELL_CODES = {126: "found, but cannot be executed", 127: "command not found"}


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """`seconds` may be infinite; `own`: the executor's limit, not the task's."""

    seconds: float
    own: bool

    def reason(self) -> str:
        if self.own:
            return (
                f"stopped after {self.seconds:g} s: the executor itself may not run longer;"
                " make the command shorter or split it into several tasks"
            )
        return f"stopped after {self.seconds:g} s: the task's execution_timeout"


def time_limit(timeout: float | None, allowed: float) -> TimeLimit:
    """The lesser of what the task asks for and what the executor has left, in seconds."""
    if timeout is not None and timeout <= allowed:
        return TimeLimit(timeout, own=False)
    return TimeLimit(math.floor(allowed) if math.isfinite(allowed) else allowed, own=True)


def outcome_of(ending: Ending) -> Outcome:
    if ending.timed_out:
        return "timeout"
    return "success" if ending.exit.code == 0 else "failed"


def reason_for(ending: Ending, limit: TimeLimit) -> str:
    """Empty for a success."""
    if not ending.timed_out:
        return _of_exit(ending.exit)
    ignored = f"; it went on for {TERM_GRACE:g} s after SIGTERM and was killed"
    return limit.reason() + (ignored if ending.killed else "")


def _of_exit(exit_: Exit) -> str:
    if exit_.signal is not None:
        return f"killed by signal {exit_.signal} ({_name(exit_.signal)}){_hint(exit_.signal)}"
    code = exit_.code or 0
    if code == 0:
        return ""
    if code in _SHELL_CODES:
        return f"exit code {code} ({_SHELL_CODES[code]})"
    # So a shell reports that what it ran was killed.
    if name := _name(code - 128):
        return f"exit code {code} (128 + {name}){_hint(code - 128)}"
    return f"exit code {code}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _hint(number: int) -> str:
    return ", perhaps out of memory" if number == signal.SIGKILL else ""
