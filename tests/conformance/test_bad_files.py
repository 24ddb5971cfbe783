"""Bad files, each beside the exact problems that its author is told.

After a change on purpose, `python -m tests.conformance.test_bad_files` writes what is told now:
read the difference before it is kept.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.dag.language.parser import DagFileError, parse

FOLDER = Path(__file__).parent / "bad"
FILES = sorted(FOLDER.glob("*.yaml"))


def told(path: Path) -> str:
    """One line for each problem, nothing for a file that is good."""
    try:
        parse(path.read_bytes())
    except DagFileError as error:
        return "".join(f"{p.line}:{p.column} {p.path}: {p.message}\n" for p in error.problems)
    return ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_is_told_exactly_what_is_wrong(path: Path) -> None:
    assert told(path) == path.with_suffix(".errors").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_here_is_bad(path: Path) -> None:
    assert told(path)


def test_every_list_of_errors_has_its_file() -> None:
    assert {path.stem for path in FOLDER.glob("*.errors")} == {path.stem for path in FILES}


if __name__ == "__main__":
    for file in FILES:
        file.with_suffix(".errors").write_text(told(file), encoding="utf-8")
