"""`chalice deploy` becomes the whole installation, unless it is a step of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.local.deploy_command import STEP_OF_DEPLOY, command_of
from chalicelib.local.startup_error import StartupError
from tests.integration.infra.account import copy_of_the_project

INSTALL = [sys.executable, "-m", "infra", "deploy"]


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("chalice deploy", [*INSTALL, "--stage", "dev"]),
        ("chalice deploy --stage prod", [*INSTALL, "--stage", "prod"]),
        ("chalice --debug deploy --stage=prod --profile me",
         [*INSTALL, "--stage", "prod", "--profile", "me"]),
        ("chalice --project-dir x deploy", [*INSTALL, "--stage", "dev"]),
        ("chalice local", None),
        ("chalice package out", None),
        ("chalice delete --stage prod", None),
        ("chalice --help", None),
        ("chalice", None),
    ],
)  # fmt: skip
def test_only_deploy_becomes_the_installation(typed: str, command: list[str] | None) -> None:
    assert command_of(typed.split(), {}) == command


def test_as_a_step_of_the_installation_it_stays_itself() -> None:
    assert command_of(["chalice", "deploy", "--stage", "prod"], {STEP_OF_DEPLOY: "1"}) is None


@pytest.mark.parametrize(
    "option", ["--api-gateway-stage api", "--autogen-policy", "--connection-timeout 5"]
)
def test_an_option_that_the_installation_does_not_have_is_refused_by_name(option: str) -> None:
    with pytest.raises(StartupError, match=option.split()[0]):
        command_of(["chalice", "deploy", *option.split()], {})


def test_the_command_that_people_type_runs_the_installation(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    (project.folder / "infra").mkdir()
    (project.folder / "infra" / "__init__.py").touch()  # else the installed one comes first
    (project.folder / "infra" / "__main__.py").write_text(
        "import os, sys; print(sys.argv[1:], os.getcwd()); sys.exit(7)"
    )
    chalice = [sys.executable, "-c", "from chalice.cli import main; main()"]
    environ = {name: value for name, value in os.environ.items() if name != STEP_OF_DEPLOY}
    done = subprocess.run(
        [*chalice, "deploy", "--stage", "prod"],
        cwd=project.folder, env=environ, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == f"{['deploy', '--stage', 'prod']} {tmp_path.resolve()}\n"
    assert done.returncode == 7
