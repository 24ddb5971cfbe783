"""A file of tests, named where a DAG file is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.cli.main import main

VALID = "name: Fine\nschedule: '@daily'\ntasks: [{id: a, command: echo}]\n"


@pytest.mark.parametrize("verb", ["validate", "simulate", "run", "next"])
def test_a_test_file_is_not_taken_for_a_dag(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "fine.test.yaml"
    file.write_text("cases: []\n")

    assert main([verb, str(file)]) == 2
    assert capsys.readouterr().err == (
        f"error: {file} has the tests of a DAG, not a DAG: orchestrator test {file}\n"
    )


@pytest.mark.parametrize("verb", ["validate", "simulate"])
def test_test_files_among_others_are_left_out_with_a_word(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("fine.yaml", VALID), ("fine.test.yaml", "cases: []\n")):
        (tmp_path / name).write_text(text)

    assert main([verb, *map(str, sorted(tmp_path.iterdir()))]) == 0
    assert capsys.readouterr().err.startswith(f"left out: {tmp_path}/fine.test.yaml has the tests")
