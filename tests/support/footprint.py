"""`python -m tests.support.footprint COMMAND...`: how long it takes, and the most memory that it
and all that it starts have at once. Shared memory is counted once (Linux: PSS)."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

LOOK_SECONDS = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.footprint", description=__doc__)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    command = parser.parse_args().command
    if not command:
        parser.error("which command?")
    begun, most = time.monotonic(), 0
    process = subprocess.Popen(command)
    pause = threading.Event()
    while process.poll() is None:
        most = max(most, sum(map(_bytes_of, _family(process.pid))))
        pause.wait(LOOK_SECONDS)
    seconds = time.monotonic() - begun
    print(f"{seconds:.0f} s, at most {most / 1e6:,.0f} MB at once", file=sys.stderr)
    return process.returncode


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _bytes_of(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended meanwhile
        return 0
    _, found, rest = text.partition("\nPss:")
    return int(rest.split()[0]) * 1024 if found else 0


if __name__ == "__main__":
    sys.exit(main())
