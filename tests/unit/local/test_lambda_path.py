"""`ORCHESTRATOR_PATH=lambda`: commands find no more than they would on Lambda."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import config
from chalicelib.local.lambda_path import host_path, lambda_path
from tests.support.waiting import HANG_SECONDS


@pytest.fixture
def machine(tmp_path: Path) -> str:
    """A PATH with a `psql` of its own."""
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "psql").write_text("#!/bin/sh\necho psql\n")
    (folder / "psql").chmod(0o755)
    return f"{folder}{os.pathsep}{host_path()}"


def run(path: str, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )


def test_a_program_that_lambda_lacks_is_not_found(machine: str, tmp_path: Path) -> None:
    assert run(machine, "psql").stdout == "psql\n"
    result = run(lambda_path(tmp_path / "programs", machine), "psql")
    assert (result.returncode, "not found" in result.stderr) == (127, True)


def test_what_lambda_has_works(machine: str, tmp_path: Path) -> None:
    path = lambda_path(tmp_path / "programs", machine)
    assert run(path, "printf 'a\\nb\\n' | grep b | sed s/b/c/ | cat").stdout == "c\n"
    script = "python3 -c 'import boto3, sys; print(sys.prefix)'"
    assert run(path, script).stdout == f"{sys.prefix}\n"


def test_the_folder_is_filled_anew(machine: str, tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "psql").symlink_to("/bin/sh")
    lambda_path(folder, machine)
    assert not (folder / "psql").exists()


def test_another_word_is_refused() -> None:
    with pytest.raises(config.BadSetting, match="must be one of host, lambda"):
        config.load({"ORCHESTRATOR_PATH": "/usr/bin"})
