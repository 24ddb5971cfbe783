"""One attempt of one task: claim it, run its command, stream its log, report.

The executor runs other people's commands, so it knows neither the database nor the DAGs: all
that it needs stands in the task message, and all that it says goes to the results queue.

attempt          A claimed attempt, from its first process to its result
attempt_log      the way from a command's bytes to its log
background       sends that must not hold up the watch over a command, one after the other, in a
cancellation     whether people want a running attempt stopped
cleanup          removing what commands leave behind, after their results are sent
command_env      what a command is given beside its text
executor         the order of things, from a message to the report on it
internal_errors  an error that nobody planned, in words that can be shown
isolation        keeping commands that run at the same time from reading each other's
log_lines        from the bytes of a command to lines that are safe to store and to show
log_store        the log of one attempt in the bucket
masking          hiding secrets in what a command writes, however its output is cut into pieces
memory           the peak memory of a command's processes, from /proc while they live
outcome          why an attempt ended as it did, in words for people
outputs          what a command hands on
process          A command as the system sees it
sandbox          what the executor must know of, and do to, its own process because commands run
secret_forms     the texts in which a secret may be met
shell_syntax     whether a shell refused to read a text, where its exit code does not tell
supervisor       the watch over one running command
workspace        what a command finds around it
notifications/   delivers notifications
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.executor.executor import Executor

__all__ = ["Executor"]


def __getattr__(name: str) -> Any:
    # Imported late: at a cold start `sandbox` is needed before all the rest, and may begin it anew.
    if name != "Executor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chalicelib.executor.executor import Executor

    return Executor
