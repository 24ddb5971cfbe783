"""What `validate` remembers of a file, and when it looks again."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from chalicelib.cli import validation_cache
from chalicelib.cli.main import main
from chalicelib.cli.validation_cache import ValidationCache

WITH_WARNING = "name: Fine\nparams: {unused: 1}\ntasks: [{id: a, command: echo}]\n"
PARSER = "chalicelib.dag.language.parser"


def forget_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every later import of the parser fail."""
    monkeypatch.setitem(sys.modules, PARSER, None)


def test_a_file_that_did_not_change_is_answered_without_the_parser(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fine.yaml").write_text(WITH_WARNING)
    assert main(["validate", "--strict", str(tmp_path)]) == 1
    first = capsys.readouterr().out
    forget_parser(monkeypatch)

    assert main(["validate", "--strict", str(tmp_path)]) == 1
    assert capsys.readouterr().out == first
    assert "1 file: 0 problems, 1 warning" in first


def test_a_changed_file_or_option_is_looked_at_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fine.yaml"
    file.write_text("name: Fine\ntasks: [{id: a, command: git status}]\n")
    main(["validate", str(file)])
    assert "1 warning" in capsys.readouterr().out

    main(["validate", "--layers", str(file)])
    assert "0 warnings" in capsys.readouterr().out
    file.write_text(file.read_text().replace("git status", "gti_status_x"))
    main(["validate", str(file)])
    assert "gti_status_x" in capsys.readouterr().out


def test_the_files_that_a_dag_brings_along_are_looked_for_every_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "load.sh"
    script.write_text("true")
    file = tmp_path / "fine.yaml"
    file.write_text("name: Fine\nfiles: [load.sh]\ntasks: [{id: a, command: sh load.sh}]\n")
    assert main(["validate", str(file)]) == 0
    script.unlink()

    assert main(["validate", str(file)]) == 1
    assert "load.sh" in capsys.readouterr().out


def test_nothing_is_remembered_for_another_program_or_day(
    tmp_path: Path, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "package"
    shutil.copytree(
        validation_cache._PACKAGE,
        program,
        ignore=lambda folder, names: {n for n in names if n in ("web", "local", "__pycache__")},
    )
    monkeypatch.setattr(validation_cache, "_PACKAGE", program)
    ValidationCache("2026-11-28", "").store(b"a", {"dag_id": "a"})
    assert ValidationCache("2026-11-28", "").load(b"a") == {"dag_id": "a"}
    assert ValidationCache("2026-11-29", "").load(b"a") is None
    assert ValidationCache("2026-11-28", "layers").load(b"a") is None

    os.utime(program / "dag" / "shell" / "grammar.py", ns=(1, 1))
    assert ValidationCache("2026-11-28", "").load(b"a") is None
    ValidationCache("2026-11-28", "").store(b"b", {"dag_id": "b"})
    assert len(list((cache_home / "orchestrator" / "validate").iterdir())) == 1


def test_a_broken_or_unwritable_cache_changes_no_answer(
    tmp_path: Path,
    cache_home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "fine.yaml"
    file.write_text(WITH_WARNING)
    main(["validate", str(file)])
    (entry,) = (path for path in cache_home.rglob("*") if path.is_file())
    for content in ("{", "[]", '{"dag_id": "x", "findings": [{"odd": 1}]}', '"text"'):
        entry.write_text(content)
        assert main(["validate", str(file)]) == 0
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)

    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr().out.count("1 warning") == 6


def test_a_path_that_is_given_twice_is_checked_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fine.yaml"
    file.write_text(WITH_WARNING)

    assert main(["validate", str(tmp_path), str(file)]) == 0
    assert "1 file: 0 problems" in capsys.readouterr().out
