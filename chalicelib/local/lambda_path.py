"""A PATH with no more programs than Lambda's image has: links to this machine's programs of the
same names."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path

from chalicelib.lambda_programs import PROGRAMS, PYTHON

log = logging.getLogger("orchestrator.local")

PYTHON_NAMES = ("python", "python3", f"python3.{sys.version_info.minor}")
"""As which this process's Python is found; it has boto3, as on Lambda."""


def lambda_path(folder: Path, search_path: str) -> str:
    """Fill `folder` anew with links to the programs found on `search_path`; returns the PATH."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in PROGRAMS - PYTHON:
        if found := shutil.which(name, path=search_path):
            (folder / name).symlink_to(Path(found).absolute())
    for name in PYTHON_NAMES:
        _call_python(folder / name)
    log.info("commands find only the programs that Lambda has, too: %s", folder)
    return str(folder)


def _call_python(program: Path) -> None:
    # A link would be outside of a virtual environment, and Python would not find its packages.
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)


def host_path() -> str:
    """A PATH on which `python3` is this process's Python, even if the virtual environment is not
    activated."""
    here, path = str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)
    return f"{here}{os.pathsep}{path}"
