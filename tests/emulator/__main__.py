"""`python -m tests.emulator [PYTEST OPTION...]`: install, use and remove the product on an emulator
of AWS that nobody of this project wrote."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from infra.functions import MOUNT
from tests.emulator.emulator import installed_python

PROJECT = Path(__file__).parents[2]


def main(options: list[str]) -> int:
    """The tests' exit status; 0 where this machine cannot run them, and it says why."""
    apart = _apart()
    if apart is None:
        print(
            "skipped: the functions mount a file system each, and this machine allows no mount"
            " namespace (`unshare --mount`), neither to root nor in a user namespace"
        )
        return 0
    installed_python()
    tests = [sys.executable, "-m", "pytest", "-x", "-vv", "-p", "no:cacheprovider", "--durations=0"]
    words = [*tests, str(Path(__file__).parent), *options]
    # The file systems' path must be there, and Lambda's is the same for everybody.
    prepare = (
        f"mount -t tmpfs none {Path(MOUNT).parent} && mkdir {MOUNT} && exec {shlex.join(words)}"
    )
    os.chdir(PROJECT)
    return subprocess.run([*apart, "sh", "-c", prepare], check=False).returncode


def _apart() -> list[str] | None:
    """The start of a command line: what follows has mounts and processes of its own, and all of it
    ends when this process does, however it does. None where that is not possible."""
    command = "setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc"
    for candidate in (command.split(), [*command.split(), "--map-root-user"]):
        probe = [*candidate, "mount", "-t", "tmpfs", "none", str(Path(MOUNT).parent)]
        try:
            if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
                return candidate
        except OSError:
            return None
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
