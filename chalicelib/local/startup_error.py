"""Why the local cloud cannot start: one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

USAGE_ERROR = 2
FAILURE = 1


class StartupError(Exception):
    """The local cloud cannot start. The message says why and what to do; `exit_code` is 2 if the
    settings or options are wrong, and 1 for everything else."""

    def __init__(self, message: str, exit_code: int = FAILURE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def exit_with(error: StartupError) -> NoReturn:
    """Print the error and end the process. `os._exit`, because under Chalice's reloader this is not
    the main thread: an exception or sys.exit would end only this thread, and the process would
    hang."""
    line = " ".join(str(error).split())
    sys.stdout.flush()
    sys.stderr.write(f"orchestrator: {line}\n")
    sys.stderr.flush()
    os._exit(error.exit_code)
