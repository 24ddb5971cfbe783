"""The DAG files that paths on the command line name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from chalicelib.cli.failure import USAGE, CliFailure
from chalicelib.dag_files import TEST_SUFFIXES, is_dag_file


def dag_files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Files as they are named, and the DAG files in folders that are not hidden; with the key that
    each would have in a bucket. Raises CliFailure for a path that leads to none.

    `dags/*.yaml` also names the tests, so among other files these are left out with a word.
    """
    paths, count, tests = list(paths), 0, []
    for path in paths:
        if path.is_dir():
            for file in _in_folder(path):
                yield file, file.relative_to(path).as_posix()
        elif not path.exists():
            raise CliFailure(f"{path}: no such file or folder", USAGE)
        elif is_test_file(path):
            tests.append(path)
            continue
        else:
            yield path, path.name
        count += 1
    if tests and not count:
        refuse_test_file(tests[0])
    for path in tests:
        click.echo(f"left out: {_about(path)}", err=True)


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(
        file
        for file in folder.rglob("*")
        if is_dag_file(file.name)
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not files:
        raise CliFailure(f"{folder} has no DAG files (*.yaml, *.yml)", USAGE)
    return files


def is_test_file(path: Path) -> bool:
    """Whether the file has tests of the DAG file beside it."""
    return path.name.endswith(TEST_SUFFIXES)


def refuse_test_file(path: Path) -> None:
    """Raise CliFailure for a file of tests, which is easily taken for a DAG file."""
    if is_test_file(path):
        raise CliFailure(_about(path), USAGE)


def _about(path: Path) -> str:
    return f"{path} has the tests of a DAG, not a DAG: orchestrator test {path}"
