"""The local cloud's way to say that it cannot start: one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

WRONG_REQUEST = 2
CANNOT = 1


class Refusal(Exception):
    """The local cloud cannot start. The text says why and what to do; `exit_code` is 2 where the
    settings or options are wrong, 1 where the machine does not allow it."""

    def __init__(self, message: str, exit_code: int = CANNOT) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def leave(refusal: Refusal) -> NoReturn:
    """End the process. Under chalice's reloader this is not the main thread, where an exception or
    sys.exit would end the thread alone and leave the process waiting for ever."""
    line = " ".join(str(refusal).split())
    sys.stdout.flush()
    sys.stderr.write(f"orchestrator: {line}\n")
    sys.stderr.flush()
    os._exit(refusal.exit_code)
