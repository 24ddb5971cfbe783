"""What the executor must know of, and do to, its own process because commands run beside it."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

_ROUNDS = 100
_PAUSE = 0.01


def close_process(environ: Mapping[str, str]) -> None:
    """On Lambda: make this process's memory and environment unreadable to commands, which run as
    the same user. Both hold the function's credentials. Commands themselves stay as they were,
    since the kernel undoes this at `exec`. And make it the parent of whatever they leave behind, so
    that `end_leftovers` finds it."""
    if not is_lambda(environ):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_CHILD_SUBREAPER, 1)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "this process cannot be closed to its commands")


def end_leftovers() -> int:
    """Kill every child of this process, and then theirs, which become its own; answers how many
    there were. For a process that has no other children: a command that left its process group
    would live on beside the next one, and could read its environment with its secrets."""
    ended = 0
    for _ in range(_ROUNDS):
        left = list(_children())
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        ended += sum(map(_is_reaped, left))
        if not left:
            break
        time.sleep(_PAUSE)
    return ended


def _children() -> Iterator[int]:
    own = os.getpid()
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            with suppress(OSError):
                # The name of a program, in brackets, may hold anything.
                fields = Path(entry.path, "stat").read_text(errors="replace").rpartition(")")[2]
                if int(fields.split()[1]) == own:
                    yield int(entry.name)


def _is_reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def is_lambda(environ: Mapping[str, str]) -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in environ


def memory_mb(environ: Mapping[str, str]) -> int | None:
    """The memory that Lambda gives and charges for; None elsewhere."""
    text = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(text) if text.isdecimal() else None
