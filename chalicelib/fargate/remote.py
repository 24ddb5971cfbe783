"""`python -m chalicelib.fargate.remote FOLDER`: the client of a command in the other container.

It prints the command's output, passes signals on, and exits as the command does.
"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

PAUSE_SECONDS = 0.1
LOST_SECONDS = 300.0
"""Without a sign of life the other container is lost; pulling its image may take minutes."""
LOST_LATER_SECONDS = 30.0
"""The same, once it has lived."""
CHUNK_BYTES = 64 * 1024


def main(folder: Path) -> int:
    """Run the job of this folder. Returns its exit code."""

    def pass_on(number: int, _: object) -> None:
        name = signal.Signals(number).name.removeprefix("SIG")
        new = folder / "signal.new"
        new.write_text(name)
        new.replace(folder / "signal")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    (folder / "go").touch()
    alive = folder.parent.parent / "alive"
    begun = time.monotonic()
    with (folder / "log").open("rb") as output:
        while not (folder / "exit").exists():
            if not _print(output) and _is_lost(alive, begun):
                (folder / "lost").touch()
                return 125
            time.sleep(PAUSE_SECONDS)
        while _print(output):
            pass
    return _code(folder / "exit")


def _print(output: object) -> bool:
    data = output.read(CHUNK_BYTES)  # type: ignore[attr-defined]
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return bool(data)


def _is_lost(alive: Path, begun: float) -> bool:
    try:
        silent = time.time() - alive.stat().st_mtime
    except FileNotFoundError:
        return time.monotonic() - begun > LOST_SECONDS
    return silent > LOST_LATER_SECONDS and time.monotonic() - begun > LOST_LATER_SECONDS


def _code(file: Path) -> int:
    """The exit code of the command: by a signal as the shell reports it."""
    return int(file.read_text().strip() or 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
