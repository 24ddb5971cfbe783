"""Finds Python interpreters on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from chalicelib.local.python_versions import RUNNING

_PRINT_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def find(version: str) -> Path | None:
    """Returns a working interpreter of `version` ("3.13"): the one that runs this, or one on the
    PATH or of pyenv. None if there is none."""
    if version == RUNNING:
        return Path(sys.executable)
    return next((path for path in _candidates(version) if _version(path) == version), None)


def _candidates(version: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))


def _version(python: Path) -> str:
    """Returns "" if it does not start: pyenv's commands on the PATH may have no Python behind
    them."""
    command = [str(python), "-I", "-c", _PRINT_VERSION]
    try:
        completed = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:
        return ""
    return completed.stdout.strip()
