"""The files below `.chalice`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.bundle.project import Project
from infra.errors import InfraError
from infra.names import Stage

DEV, PROD = Stage("dev"), Stage("prod")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / ".chalice").mkdir()
    whole = {"version": "2.0", "stages": {"dev": {"api_gateway_stage": "api"}}}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(whole))
    return Project(tmp_path)


def stages(project: Project) -> dict[str, object]:
    whole = json.loads((project.settings / "config.json").read_text())
    assert whole["version"] == "2.0"
    found: dict[str, object] = whole["stages"]
    return found


def test_writing_a_stage_leaves_the_others_as_they_are(project: Project) -> None:
    project.write_stage(PROD, {"a": 1})
    project.write_stage(PROD, {"a": 2})
    assert stages(project) == {"dev": {"api_gateway_stage": "api"}, "prod": {"a": 2}}


def test_forgetting_a_stage_removes_its_files_and_no_others(project: Project) -> None:
    for stage in (DEV, PROD):
        project.write_stage(stage, {})
        project.write_policies(stage, {"tick": {}, "execute": {}})
        project.write_deployed(stage, {"resources": [{}]})
    project.forget(PROD)
    project.forget(PROD)
    left = {str(path.relative_to(project.settings)) for path in project.settings.rglob("*.json")}
    assert left == {
        "config.json",
        "policy-dev-tick.json",
        "policy-dev-execute.json",
        "deployed/dev.json",
    }
    assert set(stages(project)) == {"dev"}


def test_nothing_deployed_is_no_file_because_chalice_would_believe_an_empty_one(
    project: Project,
) -> None:
    project.write_deployed(PROD, {"resources": [{}]})
    project.write_deployed(PROD, {"resources": []})
    assert not (project.settings / "deployed" / "prod.json").exists()


def test_a_configuration_that_cannot_be_read_is_an_error_and_is_not_overwritten(
    project: Project,
) -> None:
    (project.settings / "config.json").write_text("{")
    with pytest.raises(InfraError, match=r"\.chalice/config\.json cannot be read"):
        project.write_stage(PROD, {})
    assert (project.settings / "config.json").read_text() == "{"
