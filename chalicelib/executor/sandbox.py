"""What the executor must know of, and do to, its own process because commands run beside it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping

_PR_SET_DUMPABLE = 4


def close_process(environ: Mapping[str, str]) -> None:
    """On Lambda: make this process's memory and environment unreadable to commands, which run as
    the same user. Both hold the function's credentials. Commands themselves stay as they were,
    since the kernel undoes this at `exec`."""
    if "AWS_LAMBDA_FUNCTION_NAME" not in environ:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot be closed to its commands")


def memory_mb(environ: Mapping[str, str]) -> int | None:
    """The memory that Lambda gives and charges for; None elsewhere."""
    text = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(text) if text.isdecimal() else None
