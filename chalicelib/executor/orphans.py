"""Kills commands that outlive the local cloud or a worker.

A killed process cannot stop its commands, and Chalice's reloader kills the cloud with SIGTERM,
which runs none of our code. So every command has a mark in its environment, which its children
inherit, and a small watcher process waits for the executor's process to end and then kills every
process with that mark. The watcher runs this file as a script, without the package: keep its
imports few and small.

Marks are read from /proc. Without /proc, commands are stopped only when the process exits normally.
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
"""The environment variable. Its value is `HOME:PID`: the identity of the cloud's state folder or of
a worker, and the process."""

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL."""
PATIENCE = 3.0
"""Seconds after which we give up: a process in an uninterruptible system call does not die."""

PROCESSES = Path("/proc")


def find_orphans(wanted: Callable[[str], bool], processes: Path = PROCESSES) -> list[int]:
    """Returns the ids of the processes whose mark is wanted, except this process."""
    pids = []
    for entry in processes.iterdir() if processes.is_dir() else ():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            mark = _mark_of(entry)
            if mark is not None and wanted(mark):
                pids.append(int(entry.name))
    return pids


def kill_orphans(wanted: Callable[[str], bool], grace: float = GRACE) -> int:
    """Kill them, and whatever they start in the meantime. Returns how many there were at first."""
    begin = time.monotonic()
    first = pids = find_orphans(wanted)
    _signal(pids, signal.SIGTERM)
    while pids:
        time.sleep(0.02)
        pids = find_orphans(wanted)
        passed = time.monotonic() - begin
        if passed > grace:
            _signal(pids, signal.SIGKILL)
        # Checked last: on a busy machine a single scan may take longer than this.
        if passed > PATIENCE:
            break
    return len(first)


def start_watcher(mark: str) -> subprocess.Popen[bytes]:
    """Start the watcher, which kills the processes with `mark` once this process has ended, however
    it ends: the kernel then closes the pipe that the watcher reads."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, mark],
        stdin=subprocess.PIPE,
        # A session of its own, so that the terminal's Ctrl-C does not kill it first.
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
    # Returns at end of file; nothing is ever written.
    sys.stdin.buffer.read()
    kill_orphans(lambda mark: mark == sys.argv[1])
