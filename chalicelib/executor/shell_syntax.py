"""Whether a shell refused to read a text, where its exit code does not tell.

For a syntax error bash before 5.1, as on Lambda's python3.11, answers 1 like a test that says no;
POSIX wants an answer above 1, and newer shells give 2.
"""

from __future__ import annotations

import subprocess
from functools import cache

from chalicelib.executor.workspace import Shell

SYNTAX_ERROR = 2
_SECONDS = 5.0
_NO_COMMAND = "fi"


def is_refused(shell: Shell, text: str) -> bool:
    """Whether `shell`, which answered 1, did so because `text` is no shell language."""
    return _answers_1(shell) and _run(shell, "-n", "-c", "--", text) == 1


@cache
def _answers_1(shell: Shell) -> bool:
    return _run(shell, "-c", _NO_COMMAND) == 1


def _run(shell: Shell, *options: str) -> int:
    try:
        done = subprocess.run(
            [shell.name, *options],
            executable=shell.path,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0
    return done.returncode
