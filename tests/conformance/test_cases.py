"""Each small DAG file does what stands beside it, through the whole system."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.case import FOLDER, SUFFIX, Case, all_cases
from tests.conformance.story import Story


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_a_file_does_what_stands_beside_it(case: Case, tmp_path: Path) -> None:
    Story(case, tmp_path).tell()


def test_every_file_has_its_expectation() -> None:
    named = {path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}")}
    files = {path.stem for path in FOLDER.glob("*.yaml") if not path.name.endswith(SUFFIX)}
    assert files == named


def test_every_other_file_is_used_by_a_case() -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob(f"*{SUFFIX}"))
    unused = [path.name for path in (FOLDER / "also").iterdir() if path.name not in said]
    assert unused == []
