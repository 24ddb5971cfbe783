"""`python -m tests.emulator [PYTEST OPTION...]`: installs, uses and removes the product on an
independent emulator of AWS."""

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
    """Returns the tests' exit status; 0 if this machine cannot run them, after saying why."""
    namespaces = _namespaces()
    if namespaces is None:
        print(
            "skipped: the functions need mount namespaces (`unshare --mount`), which this machine"
            " allows neither as this user nor in a user namespace"
        )
        return 0
    installed_python()
    tests = [sys.executable, "-m", "pytest", "-x", "-vv", "-p", "no:cacheprovider", "--durations=0"]
    words = [*tests, str(Path(__file__).parent), *options]
    # The mount point must exist.
    prepare = (
        f"mount -t tmpfs none {Path(MOUNT).parent} && mkdir {MOUNT} && exec {shlex.join(words)}"
    )
    os.chdir(PROJECT)
    return subprocess.run([*namespaces, "sh", "-c", prepare], check=False).returncode


def _namespaces() -> list[str] | None:
    """Returns the command that runs another one in its own mount and process namespaces, and kills
    everything in them when this process ends. None if that is not possible."""
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
