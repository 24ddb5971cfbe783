"""The Pythons that this supports, as far as this machine has them: on the PATH, or pyenv's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chalicelib.local.python_versions import RUNNING, SUPPORTED
from infra.bundle import interpreters
from infra.names import PROJECT
from tests.support.environments import python_with
from tests.support.waiting import HANG_SECONDS

OTHERS = [version for version in SUPPORTED if version != RUNNING]
TOO_OLD = ["3.7", "3.8", "3.9", "3.10"]
TOO_NEW = ["3.15", "3.16"]
PARTS = ("app.py", "chalicelib", "infra", "tests")

COMPILE = """
import pathlib, sys
for part in sys.argv[1:]:
    for path in [pathlib.Path(part), *pathlib.Path(part).rglob("*.py")]:
        if path.is_file():
            compile(path.read_bytes(), str(path), "exec")
"""


def python_of(version: str) -> Path:
    python = interpreters.find(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    return python


def environ() -> dict[str, str]:
    """Return an environment without what belongs to these tests or to another Python."""
    own = ("PYTEST_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_source_is_read_without_a_warning(version: str) -> None:
    command = [str(python_of(version)), "-I", "-W", "error", "-c", COMPILE, *PARTS]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=environ())
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("version", [*TOO_OLD, *TOO_NEW])
@pytest.mark.parametrize("command", ["chalice", "infra deploy"])
def test_another_python_is_refused_by_name_in_one_line(version: str, command: str) -> None:
    """No package is needed: whoever has the wrong Python cannot install them all. What the chalice
    command does first is to import the app, with this variable set."""
    begun = ["-m", *command.split()] if " " in command else ["-c", "import app"]
    done = subprocess.run(
        [str(python_of(version)), "-B", *begun],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        env={**environ(), "AWS_CHALICE_CLI_MODE": "true"},
    )
    assert done.returncode == 1
    assert f"Python {version} is not supported, use one of 3.11" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("version", OTHERS)
def test_the_unit_tests_pass(version: str) -> None:
    files = [PROJECT / name for name in ("requirements.txt", "requirements-dev.txt")]
    python = python_with(python_of(version), f"tests-py{version}", *files)
    done = subprocess.run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/unit"],
        cwd=PROJECT,
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=20 * HANG_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
