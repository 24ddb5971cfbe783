"""A command as the system sees it: a process, its group, and how it ended."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from chalicelib.errors import Unavailable
from chalicelib.executor.invocation import Invocation
from chalicelib.executor.isolation import apart
from chalicelib.executor.workspace import CannotStart, is_scarcity

# How far the kernel's two accounts of the same memory may differ.
_RSS_SLACK = 1024 * 1024
# Linux counts in KiB, macOS in bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Exit:
    """`code` or `signal` is None. `max_rss` in bytes: of the command or that child of it which used
    most, as far as it was seen; None where it ended too soon to be seen."""

    code: int | None
    signal: int | None
    max_rss: int | None


class Command:
    """A started command, leader of a session and a process group of its own.

    Until `reap` the system keeps its id for us, so `signal_group` cannot hit a stranger.
    """

    def __init__(self, process: subprocess.Popen[bytes], own_rss: int) -> None:
        assert process.stdout is not None  # by its construction, in `start`
        self.pid = process.pid
        self.output = process.stdout.fileno()
        self.stopped = False
        """Set when the executor itself is told to stop: then nothing is reported."""
        self.interrupted = False
        """Set when the executor is told to end its commands, and to report that it did."""
        self._process = process
        self._own_rss = own_rss

    def signal_group(self, number: signal.Signals) -> None:
        """Signal every process that has not left the group; an empty group is no error."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def group_is_gone(self) -> bool:
        """Return whether no process of the group lives. To be called after `reap`."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            # A member that changed its user: alive, and none that we could signal.
            return False
        return False

    def has_exited(self) -> bool:
        """Leaves it to be reaped."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, options) is not None

    def reap(self, seen_rss: int | None = None) -> Exit:
        """How it ended; waits for it. `seen_rss` is what its peak of memory was seen to be."""
        _, status, usage = os.wait4(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        # Popen would ask for the process again.
        self._process.returncode = code
        rss = usage.ru_maxrss * _RSS_UNIT
        # The kernel begins the count of a child with what its parent used.
        max_rss = rss if rss > self._own_rss + _RSS_SLACK else seen_rss
        return Exit(code, None, max_rss) if code >= 0 else Exit(None, -code, max_rss)

    def discard(self) -> None:
        """Kill it unconditionally, because it cannot be supervised."""
        self.signal_group(signal.SIGKILL)
        self.reap()
        self.close()

    def close(self) -> None:
        """Stop reading. A process that still writes is ended by SIGPIPE."""
        if self._process.stdout is not None:
            self._process.stdout.close()


def start(invocation: Invocation, cwd: str, environ: Mapping[str, str]) -> Command:
    """Start a command, its stdout and stderr in one pipe, its stdin empty. Raises CannotStart."""
    # An empty or broken path is no folder either, and a relative one would be one of our own.
    if not (os.path.isabs(cwd) and os.path.isdir(cwd)):  # noqa: PTH112, PTH117
        raise CannotStart(f"cwd `{cwd}` is not a directory where the command runs")
    try:
        process = apart(
            lambda: subprocess.Popen(
                invocation.arguments,
                executable=invocation.program,
                cwd=cwd,
                env=environ,
                stdin=_nothing(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
        )
    except (OSError, ValueError) as error:
        text = _why(error, invocation)
        raise CannotStart(text, is_transient=is_scarcity(error)) from error
    return Command(process, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT)


@cache
def _nothing() -> int:
    """/dev/null, opened once for all commands."""
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def _why(error: OSError | ValueError, invocation: Invocation) -> str:
    if isinstance(error, OSError) and error.errno in _NO_PROGRAM and invocation.is_script:
        return f"the script's program `{invocation.program}` {_NO_PROGRAM[error.errno]}"
    if isinstance(error, OSError) and error.errno == errno.E2BIG:
        return (
            "the command or its environment is too long for the system (128 KiB for the command"
            " or one variable); put the text into a file"
        )
    text = error.strerror if isinstance(error, OSError) else str(error)
    return f"the command could not be started: {text}"


_NO_PROGRAM = {
    errno.ENOENT: "is not there: name one that is, or one on the PATH as in #!/usr/bin/env NAME",
    errno.ENOTDIR: "is not there: part of its path is no directory",
    errno.EACCES: "cannot be executed: it is a directory, or lacks the permission",
    errno.ENOEXEC: "is no program for this machine",
}


class ExecutorStopped(Unavailable):
    """The executor is being stopped: what it had in hand is not reported, and the queue delivers
    the message again."""


class RunningCommands:
    """The commands that run now, so that all can be stopped at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._commands: set[Command] = set()
        self._stopped = threading.Event()
        self._interrupted = False
        self._grace = 0.0

    @property
    def stopped(self) -> bool:
        """Whether no command may be started any more."""
        return self._stopped.is_set()

    @property
    def interrupted(self) -> bool:
        """Whether what was stopped is to be reported."""
        return self._interrupted

    def wait(self, seconds: float) -> bool:
        """Sleep, but no longer than until `stop`; whether that came."""
        return self._stopped.wait(seconds)

    def add(self, command: Command) -> None:
        with self._lock:
            self._commands.add(command)
            if self._interrupted:
                self._end(command)
            elif self.stopped:
                self._kill(command)

    def remove(self, command: Command) -> None:
        """Remove the process. To be called before it is reaped: a reaped process's id may be
        another's."""
        with self._lock:
            self._commands.discard(command)

    def interrupt(self, grace: float) -> None:
        """Ask what runs to end, and kill it after `grace` seconds. Unlike what `stop` kills, it is
        reported."""
        with self._lock:
            self._interrupted, self._grace = True, grace
            self._stopped.set()
            for command in self._commands:
                self._end(command)

    def _end(self, command: Command) -> None:
        command.interrupted = True
        command.signal_group(signal.SIGTERM)
        timer = threading.Timer(self._grace, self._kill_if_running, [command])
        timer.daemon = True
        timer.start()

    def _kill_if_running(self, command: Command) -> None:
        with self._lock:
            if command in self._commands:
                command.signal_group(signal.SIGKILL)

    def stop(self) -> None:
        """Kill what runs and whatever is added from now on."""
        with self._lock:
            self._stopped.set()
            for command in self._commands:
                self._kill(command)

    def _kill(self, command: Command) -> None:
        command.stopped = True
        command.signal_group(signal.SIGKILL)
