"""Checks DAG files without an installation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from chalicelib.cli.failure import FAILED, USAGE, CliFailure
from chalicelib.dag.language.parser import FilePlace, parse_file
from chalicelib.dag.problems import DagFileError, DagWarning, Problem
from chalicelib.dag_files import is_dag_file

MAX_BYTES = 256 * 1024
_LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those that YAML counts


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or a warning of a file. `source` is the line that it is about."""

    file: str
    line: int
    column: int
    severity: str
    message: str
    source: str


@click.command(epilog="Example: orchestrator validate dags/ --format github")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to print problems; github: as annotations of a pull request.",
)
@click.option("--layers", is_flag=True, help="Lambda layers bring the programs that it lacks.")
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings, too.")
def validate(paths: tuple[Path, ...], format_: str, *, layers: bool, strict: bool) -> int:
    """Check DAG files, and all in folders.

    Problems and warnings are printed with their line and column.
    """
    files = list(_dag_files(paths))
    owners: dict[str, Path] = {}
    findings = [finding for file in files for finding in _check(file, owners, layers)]
    _print(findings, len(files), format_)
    severities = {finding.severity for finding in findings}
    return FAILED if "error" in severities or (strict and severities) else 0


def _dag_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            if not path.exists():
                raise CliFailure(f"{path}: no such file or folder", USAGE)
            yield path
            continue
        files = sorted(
            file
            for file in path.rglob("*")
            if is_dag_file(file.name)
            and file.is_file()
            and not any(part.startswith(".") for part in file.relative_to(path).parts)
        )
        if not files:
            raise CliFailure(f"{path} has no DAG files (*.yaml, *.yml)", USAGE)
        yield from files


def _check(path: Path, owners: dict[str, Path], has_layers: bool) -> Iterator[Finding]:
    """The problems and warnings of a file. `owners` collects the files by dag_id."""
    try:
        with path.open("rb") as opened:
            source = opened.read(MAX_BYTES + 1)
    except OSError as error:
        yield Finding(str(path), 1, 1, "error", (error.strerror or str(error)).lower(), "")
        return
    lines = _LINE_ENDS.split(source.decode("utf-8-sig", "replace"))
    try:
        parsed = parse_file(source, now=datetime.now(UTC), has_layers=has_layers)
    except DagFileError as error:
        yield from (_finding(path, lines, problem, "error") for problem in error.problems)
        return
    if parsed.file_places:
        yield from _check_files(path, lines, parsed.file_places)
    yield from (_finding(path, lines, warning, "warning") for warning in parsed.warnings)
    owner = owners.setdefault(parsed.dag.dag_id, path)
    if owner is not path:
        message = f"the dag_id {parsed.dag.dag_id!r} is taken by {owner}"
        yield Finding(str(path), 1, 1, "error", message, lines[0])


def _check_files(
    path: Path, lines: list[str], places: Mapping[str, FilePlace]
) -> Iterator[Finding]:
    """What is wrong with the files that the DAG brings along."""
    from chalicelib.cli.local_run.source_folder import SourceFolder
    from chalicelib.scheduler.file_match import match_files

    match = match_files(SourceFolder(path.parent), path.name, places)
    yield from (_finding(path, lines, problem, "error") for problem in match.problems)


def _finding(path: Path, lines: list[str], at: Problem | DagWarning, severity: str) -> Finding:
    source = lines[at.line - 1] if at.line <= len(lines) else ""
    return Finding(str(path), at.line, at.column, severity, at.message, source)


def _print(findings: list[Finding], file_count: int, format_: str) -> None:
    if format_ == "json":
        from dataclasses import asdict

        rows = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"files": file_count, "findings": rows}, ensure_ascii=False))
        return
    for finding in findings:
        click.echo(_annotation(finding) if format_ == "github" else _text(finding))
    if format_ == "text":
        errors = sum(finding.severity == "error" for finding in findings)
        warnings = len(findings) - errors
        click.echo(
            f"{_count(file_count, 'file')}: {_count(errors, 'problem')},"
            f" {_count(warnings, 'warning')}",
        )


def _text(finding: Finding) -> str:
    kind = "warning: " if finding.severity == "warning" else ""
    head = f"{finding.file}:{finding.line}:{finding.column}: {kind}{finding.message}"
    if not finding.source.strip():
        return head
    gutter = f"{finding.line:>5} | "
    text = finding.source.replace("\t", " ")[:200]
    return f"{head}\n{gutter}{text}\n{' ' * (len(gutter) + finding.column - 1)}^"


def _annotation(finding: Finding) -> str:
    """A workflow command of GitHub Actions; docs.github.com names what must be escaped."""
    place = f"file={_escaped(finding.file, ':,')},line={finding.line},col={finding.column}"
    return f"::{finding.severity} {place}::{_escaped(finding.message)}"


def _escaped(text: str, more: str = "") -> str:
    for char in f"%\r\n{more}":
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
