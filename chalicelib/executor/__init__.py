"""Runs one attempt of one task: claims it, runs its command, streams its log, reports.

The executor runs other people's commands, so it knows neither the database nor the DAGs: all that
it needs is in the task message, and everything it reports goes to the results queue. It may import
`utils` and the modules at the top of `chalicelib`, and no other room.

artifacts/         stores the files and folders that a command leaves
attempt            runs a claimed attempt, from its first process to its result
attempt_log        turns a command's output into its log: masks, splits into lines, stores
background         sends from a thread, so that watching a command is never delayed
cancellation       asks whether a running attempt is to be cancelled
cause_line         finds the line of a log that tells why its command failed
cleanup            removes what commands leave on the disk, after their results are sent
command_env        builds a command's environment, and knows which values to mask
containers         runs a command in a container image, by Docker or Podman
executor           handles one message of the tasks queue, from claim to report
invocation         decides which program runs a command: the shell, or the one that a script names
isolation          keeps commands that run at the same time from reading each other's files
log_lines          splits output into lines that are safe to store and to show
log_store          stores the log of one attempt in the runs bucket
long_patience      waits for a network that is gone
masking            replaces secrets in the output, however the output is cut into pieces
materials/         puts what a task brings along in place before its command starts
memory             measures the peak memory of a command's processes
notifications/     delivers notifications
orphans            kills commands that outlive their executor on a machine of its own
outcome            decides the outcome of an attempt, and words the reason for users
outputs            reads the outputs that a command wrote to $DAG_OUTPUT
patience           says how long to insist on what must not be lost
process            starts, signals and reaps a command
public_hosts       connects over HTTP to hosts that an author chose, if their addresses are public
sandbox            protects the executor's own process from the commands it runs on Lambda
secret_forms       lists the encodings in which a secret may appear
shell_syntax       asks the shell whether it can parse a text
supervisor         watches a running command: output, end, limits, heartbeats
unexpected_errors  words an unexpected error for users, without its message
workspace          makes the directories that a command runs in
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
