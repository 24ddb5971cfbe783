"""Tests DAG files on a virtual clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click

from chalicelib.cli.failure import FAILED, USAGE, CliFailure
from chalicelib.cli.forecast import junit
from chalicelib.cli.forecast.junit import CaseResult
from chalicelib.cli.forecast.test_case import run_case
from chalicelib.cli.forecast.test_file import dag_path_of, read
from chalicelib.cli.forecast.workload import load
from chalicelib.cli.output import coloured, format_option, print_json, silence_logs
from chalicelib.dag_files import TEST_SUFFIXES


@click.command(epilog="Example: orchestrator test dags/ --junit results.xml")
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="XML.")
@click.option("-k", "word", default="", help="Only cases whose name contains this text.")
@format_option
def test(paths: tuple[Path, ...], junit_file: Path | None, word: str, format_: str) -> int:
    """Test DAG files by the NAME.test.yaml files beside them.

    The real scheduler runs on a virtual clock; commands do what a test says.
    """
    silence_logs()
    files = list(_test_files(paths or (Path(),)))
    results = []
    for result in _results(files, word):
        results.append(result)
        if format_ != "json":
            _print(result)
    if not results:
        raise CliFailure(f"no case has {word!r} in its name", USAGE)
    if junit_file is not None:
        junit_file.write_bytes(junit.document(results))
    failed = sum(bool(result.differences) for result in results)
    if format_ == "json":
        print_json(
            [
                {
                    "file": str(result.path),
                    "case": result.name,
                    "passed": not result.differences,
                    "differences": list(result.differences),
                }
                for result in results
            ]
        )
    else:
        click.echo(f"{len(results) - failed} passed, {failed} failed")
    return FAILED if failed else 0


def _test_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.name.endswith(TEST_SUFFIXES))
            if not files:
                raise CliFailure(f"{path} has no test files (NAME.test.yaml)", USAGE)
            yield from files
        elif not path.exists():
            raise CliFailure(f"{path}: no such file or folder", USAGE)
        elif path.name.endswith(TEST_SUFFIXES):
            yield path
        else:
            yield _beside(path)


def _beside(path: Path) -> Path:
    """The test file of a DAG file."""
    for suffix in TEST_SUFFIXES:
        if (file := path.with_name(path.stem + suffix)).is_file():
            return file
    raise CliFailure(f"there is no {path.stem}.test.yaml beside {path}", USAGE)


def _results(files: list[Path], word: str) -> Iterator[CaseResult]:
    for path in files:
        (source,) = load([dag_path_of(path)])
        for case in read(path, source.dag.timezone).cases:
            if word in case.name:
                begun = time.perf_counter()
                differences = tuple(run_case(source, case))
                yield CaseResult(path, case.name, differences, time.perf_counter() - begun)


def _print(result: CaseResult) -> None:
    mark = coloured("FAIL", "red") if result.differences else coloured("ok", "green")
    click.echo(f"{mark}  {result.path}: {result.name}")
    for line in result.differences:
        click.echo(f"      {line}")
