"""Checks DAG files without an installation."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chalicelib.cli.dag_paths import dag_files
from chalicelib.cli.failure import FAILED
from chalicelib.cli.local_run.shared_files import (
    known_pools,
    shared_files,
    shared_of,
    shared_sources,
)
from chalicelib.cli.validation_cache import ValidationCache
from chalicelib.dag_files import DEFAULTS_NAME, is_defaults_file

if TYPE_CHECKING:
    from chalicelib.dag.language.parser import FilePlace
    from chalicelib.dag.problems import DagWarning, Problem

MAX_BYTES = 256 * 1024
_LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those that YAML counts


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or a warning of a file. `source` is the line that it is about."""

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
    named = [path for path in paths if not is_defaults_file(path.name) or not path.is_file()]
    files = [*dict.fromkeys(path for path, _ in dag_files(named))] if named else []
    shared = _shared_files(paths, files)
    cache = ValidationCache(f"{datetime.now(UTC):%Y-%m-%d}", f"layers={layers}")
    owners: dict[str, Path] = {}
    findings = {file: _check_shared(file) for file in shared}
    findings |= {file: _check(file, cache, owners, layers) for file in files}
    _print(findings, format_)
    severities = {finding.severity for rows in findings.values() for finding in rows}
    return FAILED if "error" in severities or (strict and severities) else 0


def _shared_files(paths: tuple[Path, ...], files: list[Path]) -> list[Path]:
    """The files of shared defaults that were named, or that the DAG files take from."""
    found = [path for path in paths if is_defaults_file(path.name)]
    for path in (path for path in paths if path.is_dir()):
        found += sorted(file for file in path.rglob("_defaults.*") if is_defaults_file(file.name))
    known = {file.absolute() for file in found}
    for file in (shared for path in files for shared in shared_files(path)):
        if file not in known:
            known.add(file)
            found.append(Path(os.path.relpath(file)))
    return found


def _check_shared(path: Path) -> list[Finding]:
    """The problems of a file of shared defaults."""
    from chalicelib.dag.language.shared_file import parse_shared
    from chalicelib.dag.problems import DagFileError

    if path.name != DEFAULTS_NAME:
        return [Finding(1, 1, "error", f"shared defaults are read from {DEFAULTS_NAME}", "")]
    try:
        with path.open("rb") as opened:
            source = opened.read(MAX_BYTES + 1)
        parse_shared(source)
    except OSError as error:
        return [Finding(1, 1, "error", (error.strerror or str(error)).lower(), "")]
    except DagFileError as error:
        lines = _lines(source)
        return [_finding(lines, problem, "error") for problem in error.problems]
    return []


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file's text says, whatever its name is. `dag_id` is empty if it is not valid."""

    dag_id: str
    findings: list[Finding]


def _check(
    path: Path, cache: ValidationCache, owners: dict[str, Path], has_layers: bool
) -> list[Finding]:
    """The problems and warnings of a file. `owners` collects the files by dag_id."""
    try:
        with path.open("rb") as opened:
            source = opened.read(MAX_BYTES + 1)
    except OSError as error:
        return [Finding(1, 1, "error", (error.strerror or str(error)).lower(), "")]
    shared = shared_sources(path)
    key = source if not shared else source + json.dumps(shared).encode()
    checked = _remembered(cache, key) or _checked(path, cache, key, source, has_layers)
    if not checked.dag_id or owners.setdefault(checked.dag_id, path) is path:
        return checked.findings
    message = f"the dag_id {checked.dag_id!r} is taken by {owners[checked.dag_id]}"
    first_line = _lines(source)[0]
    return [*checked.findings, Finding(1, 1, "error", message, first_line)]


def _remembered(cache: ValidationCache, source: bytes) -> Checked | None:
    known = cache.load(source)
    try:
        return known and Checked(known["dag_id"], [Finding(**row) for row in known["findings"]])
    except (KeyError, TypeError):
        return None


def _checked(
    path: Path, cache: ValidationCache, key: bytes, source: bytes, has_layers: bool
) -> Checked:
    from chalicelib.dag.language.parser import parse_file
    from chalicelib.dag.problems import DagFileError

    lines = _lines(source)
    try:
        parsed = parse_file(
            source, now=datetime.now(UTC), has_layers=has_layers, shared=shared_of(path)
        )
    except DagFileError as error:
        checked = Checked("", [_finding(lines, problem, "error") for problem in error.problems])
    else:
        warnings = [_finding(lines, warning, "warning") for warning in parsed.warnings]
        warnings += _unknown_pools(path, lines, parsed.pool_places)
        checked = Checked(parsed.dag.dag_id, warnings)
        if parsed.file_places:  # depends on more than the file
            missing = _check_files(path, lines, parsed.file_places)
            return Checked(checked.dag_id, [*missing, *warnings])
    cache.store(key, asdict(checked))
    return checked


def _unknown_pools(
    path: Path, lines: list[str], places: Mapping[str, FilePlace]
) -> Iterator[Finding]:
    """Warnings about pools that no file defines, where files define pools at all."""
    pools = known_pools(path) if places else set()
    for name, place in places.items():
        if pools and name not in pools:
            problem = place.problem(f"no {DEFAULTS_NAME} defines the pool {name!r}")
            yield _finding(lines, problem, "warning")


def _lines(source: bytes) -> list[str]:
    return _LINE_ENDS.split(source.decode("utf-8-sig", "replace"))


def _check_files(
    path: Path, lines: list[str], places: Mapping[str, FilePlace]
) -> Iterator[Finding]:
    """What is wrong with the files that the DAG brings along."""
    from chalicelib.cli.local_run.source_folder import SourceFolder
    from chalicelib.scheduler.file_match import match_files

    match = match_files(SourceFolder(path.parent), path.name, places)
    yield from (_finding(lines, problem, "error") for problem in match.problems)


def _finding(lines: list[str], at: Problem | DagWarning, severity: str) -> Finding:
    source = lines[at.line - 1] if at.line <= len(lines) else ""
    return Finding(at.line, at.column, severity, at.message, source)


def _print(findings: Mapping[Path, list[Finding]], format_: str) -> None:
    rows = [(file, finding) for file, of_file in findings.items() for finding in of_file]
    if format_ == "json":
        found = [{"file": str(file), **asdict(finding)} for file, finding in rows]
        answer = {"files": len(findings), "findings": found}
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for file, finding in rows:
        click.echo(_annotation(file, finding) if format_ == "github" else _text(file, finding))
    if format_ == "text":
        errors = sum(finding.severity == "error" for _, finding in rows)
        click.echo(
            f"{_count(len(findings), 'file')}: {_count(errors, 'problem')},"
            f" {_count(len(rows) - errors, 'warning')}",
        )


def _text(file: Path, finding: Finding) -> str:
    kind = "warning: " if finding.severity == "warning" else ""
    head = f"{file}:{finding.line}:{finding.column}: {kind}{finding.message}"
    if not finding.source.strip():
        return head
    gutter = f"{finding.line:>5} | "
    text = finding.source.replace("\t", " ")[:200]
    return f"{head}\n{gutter}{text}\n{' ' * (len(gutter) + finding.column - 1)}^"


def _annotation(file: Path, finding: Finding) -> str:
    """A workflow command of GitHub Actions; docs.github.com names what must be escaped."""
    place = f"file={_escaped(str(file), ':,')},line={finding.line},col={finding.column}"
    return f"::{finding.severity} {place}::{_escaped(finding.message)}"


def _escaped(text: str, more: str = "") -> str:
    for char in f"%\r\n{more}":
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
