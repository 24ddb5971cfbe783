"""What the executor must know of, and do to, its own process because commands run beside it."""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chalicelib.utils.lambda_env import is_lambda

log = logging.getLogger("orchestrator.executor")

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

_ROUNDS = 100
_PAUSE = 0.01


def close_program(argv: Sequence[str]) -> None:
    """Close the program to commands. To be called while the function starts, before it asks for an
    event. Where `prctl` is refused, start this very process again from a copy of its program that
    may be run but not read: the kernel keeps such a process as closed as `prctl` would (see
    `would_dump` in its sources). Lambda's own sandbox refuses `prctl`, whatever is asked. Does
    nothing elsewhere, nor where the process is closed already. Returns where it cannot be done: a
    function that runs nothing protects nobody, and `Protection` tells."""
    environ = os.environ
    if not is_lambda(environ) or _is_again(environ) or _set_undumpable():
        return
    try:
        program = _unreadable_copy(Path(sys.executable))
        # As it was when the runtime began: it takes variables away that it needs again.
        begun_with = {**_first_environ(), _AGAIN: str(program)}
        os.execve(program, list(argv), begun_with)  # noqa: S606 - this very process, no shell
    except OSError as error:
        log.warning("the executor's program could not be closed to commands: %s", error)


_AGAIN = "_ORCHESTRATOR_CLOSED_PROGRAM"


def _is_again(environ: Mapping[str, str]) -> bool:
    return _AGAIN in environ


def _unreadable_copy(program: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="orchestrator-"))
    copy = folder / program.name
    # Nobody has had the chance to open it for reading before it becomes unreadable.
    file = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o111)
    with os.fdopen(file, "wb") as to, program.resolve().open("rb") as source:
        shutil.copyfileobj(source, to, 1024 * 1024)
    copy.chmod(0o111)  # whatever the umask
    return copy


def _first_environ() -> dict[str, str]:
    pairs = Path("/proc/self/environ").read_bytes().split(b"\0")
    split = (pair.partition(b"=") for pair in pairs if b"=" in pair)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in split}


class Protection(StrEnum):
    """What keeps commands, which run as the same user, from this process's memory and environment,
    which hold the function's credentials."""

    NOT_NEEDED = "not needed: this is not Lambda"
    PRCTL = "prctl"
    UNREADABLE_PROGRAM = "a program that may be run but not read"
    NONE = "nothing"


def close_process(environ: Mapping[str, str]) -> Protection:
    """On Lambda: make this process's memory and environment unreadable to commands, or find that
    `close_program` has, and say in the log what was reached. Commands themselves stay as they were,
    since the kernel undoes this at `exec`. And make it the parent of whatever they leave behind,
    where the system lets it."""
    if not is_lambda(environ):
        return Protection.NOT_NEEDED
    _become_subreaper()
    copy = os.environ.pop(_AGAIN, None)
    if copy is not None:
        shutil.rmtree(Path(copy).parent, ignore_errors=True)
    means = Protection.PRCTL if _set_undumpable() else Protection.UNREADABLE_PROGRAM
    reached = Protection.NONE if _is_readable() else means
    if reached is Protection.NONE:
        log.warning(
            "commands can read the executor's credentials: this system refuses prctl, and the"
            " executor's program could not be made unreadable"
        )
    else:
        log.info("the executor is closed to its commands by %s", reached)
    return reached


def close_to_root() -> bool:
    """Make this process's memory and environment unreadable to others of its user, root included
    where it may not trace processes. Returns whether the system lets it."""
    return _set_undumpable()


def _is_readable() -> bool:
    """Whether a command could read this process, found out as a command would: whatever was done
    above, this is what matters. Root may read everything."""
    asked = 'exec 3< "/proc/$PPID/environ"'
    try:
        command = ["sh", "-c", asked]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return True


def _set_undumpable() -> bool:
    return _prctl(_PR_SET_DUMPABLE, 0)


def _become_subreaper() -> bool:
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> bool:
    """Whether the system has done it; it need not have such a call at all."""
    try:
        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


class Processes:
    """The processes beside this one, which must have no children but commands."""

    def __init__(self) -> None:
        # There is nobody else in a sandbox: what appears later is a command's. Anywhere else
        # strangers must be safe from us.
        own = {process.identity for process in _processes()} if _is_in_a_sandbox() else None
        self._lambdas_own = own

    def kill_orphans(self) -> int:
        """Kill every process that a command has left behind, and answer how many there were. One
        that left its process group would live on beside the next command, and could read its
        environment with its secrets. It need not be a child of ours: where there is no subreaper,
        an orphan is given to the first process."""
        ended: set[tuple[int, str]] = set()
        for _ in range(_ROUNDS):
            left = {process for process in _processes() if self._is_orphan(process)}
            for process in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(process.pid, signal.SIGKILL)
            if not left:
                break
            ended |= {process.identity for process in left}
            time.sleep(_PAUSE)
            _reap_children()
        return len(ended)

    def _is_orphan(self, process: Process) -> bool:
        if self._lambdas_own is None:
            return process.parent == os.getpid()
        return process.identity not in self._lambdas_own


_RUNTIME = Path("/var/runtime")
"""Where Lambda's runtime lies; no other machine has such a folder."""


def _is_in_a_sandbox() -> bool:
    """Whether this is Lambda without any doubt: its first process starts ours."""
    return os.getppid() == 1 and _RUNTIME.is_dir()


@dataclass(frozen=True, slots=True)
class Process:
    """`started` distinguishes a process from an earlier one with the same id."""

    pid: int
    started: str
    parent: int

    @property
    def identity(self) -> tuple[int, str]:
        return self.pid, self.started


def _processes() -> Iterator[Process]:
    """Return this user's running processes without this one; none where there is no /proc."""
    own, user = os.getpid(), os.getuid()
    with suppress(OSError):
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal() and int(entry.name) != own:
                process = _process(Path(entry.path), user)
                if process is not None:
                    yield process


def _process(path: Path, user: int) -> Process | None:
    try:
        # The name of a program, in brackets, may hold anything.
        fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
        # Not the folder's owner: that is root for a process that is closed.
        is_ours = f"Uid:\t{user}\t" in (path / "status").read_text(errors="replace")
    except OSError:
        return None
    is_over = fields[0] in "ZX"
    if not is_ours or is_over:
        return None
    return Process(int(path.name), fields[19], int(fields[1]))


def _reap_children() -> None:
    """Let go of what has ended; no command runs that somebody else waits for."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def memory_mb(environ: Mapping[str, str]) -> int | None:
    """The memory that Lambda gives and charges for; None elsewhere."""
    text = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(text) if text.isdecimal() else None
