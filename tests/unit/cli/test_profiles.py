"""Installations are remembered by name, and nobody else can read their tokens."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest

from chalicelib.cli.main import main

URL = "https://example.org"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "orchestrator" / "profiles.json"


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert main(["profile", "list", "--format", "json"]) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return rows


def test_the_first_profile_is_the_default_until_another_is_used(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a-token\n"))
    assert main(["profile", "add", "prod", f"{URL}/", "--token", "-"]) == 0
    assert main(["profile", "add", "test", "http://127.0.0.1:8000"]) == 0
    assert main(["profile", "add", "iam", URL, "--iam"]) == 0
    assert listed(capsys) == [
        {"name": "prod", "url": URL, "auth": "token", "is_default": True},
        {"name": "test", "url": "http://127.0.0.1:8000", "auth": "none", "is_default": False},
        {"name": "iam", "url": URL, "auth": "iam", "is_default": False},
    ]
    assert main(["profile", "use", "iam"]) == 0
    assert [row["name"] for row in listed(capsys) if row["is_default"]] == ["iam"]
    assert main(["profile", "remove", "iam"]) == 0
    assert [(row["name"], row["is_default"]) for row in listed(capsys)] == [
        ("prod", False),
        ("test", False),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "a-token" in file.read_text()


@pytest.mark.parametrize("verb", ["use", "remove"])
def test_an_unknown_profile_is_named_with_the_nearest(
    file: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    main(["profile", "add", "prod", URL])
    assert main(["profile", verb, "prd"]) == 2
    error = capsys.readouterr().err
    assert "there is no profile 'prd'" in error
    assert "'prod'" in error or "prod?" in error


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("{", 0o600, "is not valid JSON"),
        ("[]", 0o600, "is not a file of profiles"),
        ('{"profiles": {"a": {"nonsense": 1}}}', 0o600, "is not a file of profiles"),
        ('{"profiles": {}}', 0o644, "can be read by others: run chmod 600"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, mode: int, message: str
) -> None:
    file.parent.mkdir()
    file.write_text(text)
    file.chmod(mode)
    assert main(["profile", "list"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_ORCHESTRATOR_COMPLETE" in capsys.readouterr().out


def test_a_shell_that_has_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zhs"]) == 2
    assert "zsh" in capsys.readouterr().err
