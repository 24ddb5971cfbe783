"""`orchestrator review`: what a change to DAG files means, in Markdown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from chalicelib.cli.main import main

BEFORE = """
name: Report
schedule: "0 6 * * *"
tasks:
  - {id: fetch, command: echo}
  - {id: load, command: echo, dependencies: fetch}
  - {id: old, command: echo}
"""
AFTER = """
name: Report
schedule: "0 6,18 * * *"
owner: data
tasks:
  - {id: fetch, command: echo, retries: 2, pool: shared}
  - {id: load, command: echo}
  - {id: new, command: echo, dependencies: fetch}
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, text in ((before, BEFORE), (after, AFTER)):
        folder.mkdir()
        (folder / "report.yaml").write_text(text)
    (before / "gone.yaml").write_text("name: Gone\ntasks: [{id: a, command: echo}]\n")
    (after / "added.yaml").write_text(
        "name: Added\nschedule: '@daily'\ntasks: [{id: a, command: echo, pool: shared}]\n"
    )
    return before, after


def test_a_change_is_told_task_by_task(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = folders

    assert main(["review", "--base", str(before), str(after)]) == 0
    out = capsys.readouterr().out
    for line in (
        "### `report` changed",
        "- task `new` added",
        "- task `old` removed",
        "- task `fetch` changed: `retries`, `pool`",
        "- edge `fetch` → `new` added",
        "- edge `fetch` → `load` removed",
        "- fire times in the next 7 days: 7 → 14",
        "- a backfill of the last 7 days would create 14 runs",
        "### `gone` removed",
        "### `added` added",
        "- the pool `shared` is shared by `added`, `report`",
        "**Cost at list prices:** ",
    ):
        assert f"{line}" in out, out


def test_a_revision_of_git_is_the_base(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    (work / "dags").mkdir(parents=True)
    (work / "dags" / "report.yaml").write_text(BEFORE)
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "First"],
    ):
        subprocess.run(["git", *words], cwd=work, check=True)
    (work / "dags" / "report.yaml").write_text(AFTER)

    assert main(["review", "--base", "main", str(work / "dags")]) == 0
    assert "- task `new` added" in capsys.readouterr().out
    assert main(["review", "--base", "nowhere", str(work / "dags")]) == 2
    assert "neither a folder nor a revision of git" in capsys.readouterr().err


def test_problems_come_first_and_fail(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = folders
    (after / "broken.yaml").write_text("name: Broken\n")

    assert main(["review", "--base", str(before), str(after)]) == 1
    assert "### Problems\n\n- `broken.yaml:1:1: tasks is required" in capsys.readouterr().out


def test_nothing_changed(folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    before, _ = folders

    assert main(["review", "--base", str(before), str(before)]) == 0
    assert "No DAG changes." in capsys.readouterr().out


def test_the_workflow_for_github_is_yaml_and_runs_our_commands() -> None:
    folder = Path(__file__).parents[3] / "examples" / "ci"
    file = folder / ".github" / "workflows" / "review-dags.yml"  # hidden: never taken for a DAG
    steps = yaml.safe_load(file.read_text())["jobs"]["review"]["steps"]
    verbs = [step["run"].split()[1] for step in steps if "orchestrator " in step.get("run", "")]

    assert verbs == ["validate", "test", "review"]
