"""What is done with variables that are no settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from chalicelib import config
from infra.names import PROJECT

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "orchestrator-dev-tick"}
NO_SETTINGS = ["ORCHESTRATOR_RETENTION_DAY", "ORCHESTRATOR_", "ORCHESTRATOR_database"]


@pytest.mark.parametrize("name", NO_SETTINGS)
def test_where_a_person_types_it_a_variable_that_is_no_setting_is_refused(name: str) -> None:
    with pytest.raises(config.BadSetting, match=f"^{name}: no such setting"):
        config.load({name: "7"})


@pytest.mark.parametrize("name", NO_SETTINGS)
def test_on_lambda_the_rest_is_in_force_beside_a_variable_that_is_no_setting(name: str) -> None:
    settings = config.load({**LAMBDA, name: "7", "ORCHESTRATOR_RETENTION_DAYS": "8"})
    assert settings.retention_days == 8


def test_a_setting_that_cannot_be_used_is_refused_on_lambda_too() -> None:
    with pytest.raises(config.BadSetting, match=r"^ORCHESTRATOR_RETENTION_DAYS='soon': must be"):
        config.load({**LAMBDA, "ORCHESTRATOR_RETENTION_DAYS": "soon", "ORCHESTRATOR_NEW": "1"})


def test_the_nearest_setting_is_named() -> None:
    assert config.unknown({"ORCHESTRATOR_RETENTION_DAY": "7", "PATH": "/bin"}) == [
        "ORCHESTRATOR_RETENTION_DAY: no such setting; did you mean ORCHESTRATOR_RETENTION_DAYS?"
    ]


def started(**environ: str) -> subprocess.CompletedProcess[str]:
    """The program, as a function imports it."""
    known = {**environ, "AWS_DEFAULT_REGION": "us-east-1", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", "import app"]
    return subprocess.run(command, cwd=PROJECT, env=known, capture_output=True, text=True)


def logged(**environ: str) -> list[Mapping[str, str]]:
    done = started(**environ)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]


def test_a_function_starts_with_a_variable_of_another_version_and_logs_a_warning() -> None:
    (line,) = logged(**LAMBDA, ORCHESTRATOR_RETENTION_DAY="7")
    assert line["level"] == "WARNING"
    assert line["message"].startswith("ORCHESTRATOR_RETENTION_DAY: no such setting")
    assert logged(**LAMBDA) == []


def test_elsewhere_the_program_does_not_start_with_it() -> None:
    done = started(ORCHESTRATOR_RETENTION_DAY="7")
    assert done.returncode == 1
    assert "did you mean ORCHESTRATOR_RETENTION_DAYS?" in done.stderr
