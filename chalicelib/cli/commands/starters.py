"""Prints the JSON Schema, and creates DAG files: a starter, or those of a crontab."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

from chalicelib.cli import crontab
from chalicelib.cli.failure import FAILED, USAGE, CliFailure

STARTER = """\
name: {name}
description: What it is for, for those who see it in a list
schedule: "0 6 * * *"     # every day at six; remove the line to run it on request only
timezone: UTC
tags: [new]
default_args:
  retries: 2
  retry_delay: 1m
params:
  greeting: Hello         # $PARAM_GREETING in every command; orchestrator run -p greeting=Hi
tasks:
  - id: extract
    command: |
      echo "$PARAM_GREETING from $DAG_ID, for $DS"
      echo "rows=42" >> "$DAG_OUTPUT"
    outputs: [rows]
  - id: report
    command: echo "extracted $OUTPUT_EXTRACT_ROWS rows"
    dependencies: [extract]
"""


@click.command(epilog="Example: orchestrator schema > dag.schema.json")
def schema() -> None:
    """Print the JSON Schema of DAG files, for editors."""
    from chalicelib.dag.language.json_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@click.command(epilog="Example: orchestrator new nightly_report")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File; - for stdout.")
def new(name: str, output: Path | None) -> None:
    """Write a DAG file to start from."""
    word = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not word:
        raise CliFailure(f"no file name can be made of {name!r}: use letters and digits", USAGE)
    text = STARTER.format(name=json.dumps(name, ensure_ascii=False))
    if output == Path("-"):
        click.echo(text, nl=False)
        return
    path = output or Path(f"{word}.yaml")
    _write(path, text)
    click.echo(f"{path}: try it with orchestrator run {path}")


def _write(path: Path, text: str) -> None:
    """Write a new file. Raises CliFailure if it exists."""
    try:
        with path.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise CliFailure(f"{path} exists already", FAILED) from error


@click.group(epilog="Example: orchestrator convert crontab jobs.cron -o dags/")
def convert() -> None:
    """Convert other schedules into DAG files."""


@convert.command("crontab", epilog="Example: crontab -l | orchestrator convert crontab - -o dags/")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder; else to stdout.")
@click.option("--system", is_flag=True, help="The sixth field is a user, as in /etc/crontab.")
def convert_crontab(file: Path, output: Path | None, *, system: bool) -> None:
    """Convert a crontab: one DAG file for each line.

    What cannot be kept is said on stderr, and in a comment of the file.
    """
    text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    jobs = crontab.read(text, has_user=system)
    if not jobs.dags:
        raise CliFailure(f"{file} has no line that runs a command", FAILED)
    for note in jobs.notes:
        click.echo(note, err=True)
    if output is None:
        click.echo("---\n".join(dag.text for dag in jobs.dags), nl=False)
        return
    output.mkdir(parents=True, exist_ok=True)
    for dag in jobs.dags:
        _write(output / f"{dag.dag_id}.yaml", dag.text)
        click.echo(output / f"{dag.dag_id}.yaml")
