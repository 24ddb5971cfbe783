"""`python -m chalicelib.dag` checks files without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.dag.__main__ import main

GOOD = "name: A\ntasks: [{id: t, command: x}]\n"
BAD = "name: B\ntasks: [{id: t, comand: x}]\nscheduel: null\n"


def test_valid_files_print_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "a.yaml"
    good.write_text(GOOD)
    assert main([str(good)]) == 0
    assert capsys.readouterr() == ("", "")


def test_every_problem_of_every_file_is_printed_with_its_position(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, gone = (tmp_path / name for name in ("a.yaml", "b.yaml", "gone.yaml"))
    good.write_text(GOOD)
    bad.write_text(BAD)
    assert main([str(bad), str(good), str(gone)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert f"{bad}:3:1: unknown key 'scheduel'; did you mean 'schedule'?" in lines
    assert any(line.startswith(f"{bad}:2:17: ") and "'command'" in line for line in lines)
    assert lines[-1] == f"{gone}: No such file or directory"


def test_two_files_with_one_dag_id_are_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(GOOD)
    second.write_text(GOOD)
    assert main([str(first), str(second)]) == 1
    assert capsys.readouterr().err == f"{second}:1:1: the dag_id 'a' is taken by {first}\n"
