"""`python -m chalicelib.fargate.remote FOLDER [LOST_SECONDS LOST_LATER_SECONDS]`: the client of a
command in the other container.

It prints the command's output, passes signals on, and ends as the command does, by the same exit
code or signal. It ends the other
container if the sidecar dies before it, because nobody watches the command any more.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from chalicelib.fargate.shared_files import create_shared, open_shared, read_shared, replace_shared

PAUSE_SECONDS = 0.1
LOST_SECONDS = 300.0
"""Without a sign of life the other container is lost; pulling its image may take minutes."""
LOST_LATER_SECONDS = 30.0
"""The same, once it has lived."""
NEVER_LIVED, LIVED = "never lived", "lived"
"""What the file `lost` says of the other container."""
CHUNK_BYTES = 64 * 1024
ORPHANED = 1


def main(folder: Path, lost: float = LOST_SECONDS, lost_later: float = LOST_LATER_SECONDS) -> int:
    """Run the job of this folder. Returns its exit code."""
    sidecar = os.getppid()

    def pass_on(number: int, _: object) -> None:
        name = signal.Signals(number).name.removeprefix("SIG")
        replace_shared(folder / "signal", name)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    volume = folder.parent.parent
    begun = time.monotonic()
    with open_shared(folder / "log") as output:
        create_shared(folder / "go")
        while not (folder / "exit").exists():
            if os.getppid() != sidecar:
                replace_shared(volume / "end", "")
                return ORPHANED
            if _print(output):
                continue
            if state := _lost_state(volume / "alive", time.monotonic() - begun, lost, lost_later):
                replace_shared(folder / "lost", state)
                return 125
            time.sleep(PAUSE_SECONDS)
        while _print(output):
            pass
    return _end_like(_told(folder / "exit"))


def _print(output: BinaryIO) -> bool:
    data = output.read(CHUNK_BYTES)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return bool(data)


def _lost_state(alive: Path, watched: float, lost: float, lost_later: float) -> str:
    """What has become of a container that shows no sign of life; empty while it may live."""
    try:
        silent = time.time() - alive.lstat().st_mtime
    except FileNotFoundError:
        return NEVER_LIVED if watched > lost else ""
    return LIVED if silent > lost_later and watched > lost_later else ""


def _told(file: Path) -> str:
    """What the other container says of the command's end: nothing, if the command has put something
    else there."""
    try:
        return read_shared(file)
    except OSError:
        return ""


def _end_like(told: str) -> int:
    """Return the command's exit code, or die by the signal that ended it."""
    code, _, how = told.partition("\n")
    ending = parse_ending(int(code) if code.isdecimal() and len(code) < 10 else 1, how)
    if isinstance(ending, signal.Signals):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if ending not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(ending, signal.SIG_DFL)
        os.kill(os.getpid(), ending)
    return int(ending)


def parse_ending(code: int, how: str) -> int | signal.Signals:
    """How the command ended: `code` as a shell's `wait` says, and `how` as its `jobs` did before,
    such as `[1] + Done(3)` or `[1]+  Killed  ...`. Where a shell's `jobs` says nothing known, the
    code counts."""
    _, _, state = how.partition("]")
    state = state.lstrip("+- \t")
    if done := re.match(r"Done(?: ?\((\d+)\))?", state):
        return int(done[1] or 0)
    return next((s for text, s in _TEXTS.items() if state.startswith(text)), code)


_TEXTS = {text: s for s in signal.Signals if (text := signal.strsignal(s))} | {
    "Arithmetic exception": signal.SIGFPE,  # musl's
}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(float, sys.argv[2:])))
