"""Commands that outlive the local cloud, and their end.

A cloud that is killed cannot stop its commands, and Chalice's reloader kills it by SIGTERM, from
which no code of ours is called. So every command carries a mark in its environment, which whatever
it starts inherits, and a small process, which waits for nothing but the cloud's end, then stops
every process with that mark. It is also a script of its own, started without this package: keep it
to the standard library's smallest parts.

The mark is looked for in /proc; where there is none, only an orderly end stops the commands.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

MARK = "LOCAL_CLOUD"
"""The variable: `HOME:PROCESS`, the identity of the state folder and of the process that serves."""

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""
PATIENCE = 3.0
"""Seconds after which we stop looking: a process in the kernel's hands does not die at all."""

PROCESSES = Path("/proc")


def marked(wanted: Callable[[str], bool], processes: Path = PROCESSES) -> list[int]:
    """The ids of the processes whose mark is wanted; this one never is."""
    found = []
    for entry in processes.iterdir() if processes.is_dir() else ():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            mark = _mark_of(entry)
            if mark is not None and wanted(mark):
                found.append(int(entry.name))
    return found


def stop_marked(wanted: Callable[[str], bool], grace: float = GRACE) -> int:
    """Stop them, and what they start meanwhile; how many there were at first."""
    begin = time.monotonic()
    first = found = marked(wanted)
    _signal(found, signal.SIGTERM)
    while found:
        time.sleep(0.02)
        found = marked(wanted)
        passed = time.monotonic() - begin
        if passed > grace:
            _signal(found, signal.SIGKILL)
        # Only now: one look may take longer than this on a busy machine.
        if passed > PATIENCE:
            break
    return len(first)


def watch_over(mark: str) -> subprocess.Popen[bytes]:
    """Start the process that stops what bears `mark` when this process has ended, however it ends:
    the kernel then closes the pipe that the other one reads."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, mark],
        stdin=subprocess.PIPE,
        # Out of reach of the terminal's Ctrl-C, which would end it before its work begins.
        start_new_session=True,
        cwd="/",
    )


def _mark_of(process: Path) -> str | None:
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    start = f"{MARK}=".encode()
    for variable in variables:
        if variable.startswith(start):
            return variable.removeprefix(start).decode(errors="replace")
    return None


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except OSError:
            continue


if __name__ == "__main__":
    # Only the end of the file comes: nobody writes.
    sys.stdin.buffer.read()
    stop_marked(lambda mark: mark == sys.argv[1])
