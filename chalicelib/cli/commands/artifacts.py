"""Lists, shows and downloads the artifacts of runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client, part
from chalicelib.cli.commands.show import task_name
from chalicelib.cli.download import download
from chalicelib.cli.failure import FAILED, USAGE, CliFailure, nearest
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import (
    complete_artifact,
    complete_run,
    complete_task,
    find_run,
    find_task,
)
from chalicelib.cli.output import Column, format_option, print_json, print_preview, print_rows

MANY = 10_000
run_argument = click.argument("run", metavar="RUN|DAG", shell_complete=complete_run)
task_argument = click.argument("task", shell_complete=complete_task)
name_argument = click.argument("artifact", shell_complete=complete_artifact)
map_index_option = click.option("--map-index", type=int, help="Instance of a mapped task.")


def stored_name(row: dict[str, Any]) -> str:
    """The name of a file; a folder is stored as a tar archive."""
    return f"{row['file_name']}.tar" if row["is_folder"] else str(row["file_name"])


COLUMNS = (
    Column("TASK", task_name),
    Column("ARTIFACT", lambda row: row["name"]),
    Column("FILE", stored_name, is_wide=True),
    Column("SIZE", lambda row: times.size(row["size_bytes"])),
    Column("CREATED", lambda row: times.local(row["created_at"]), is_minor=True),
)


@click.group(epilog="Example: orchestrator artifacts download report build summary")
def artifacts() -> None:
    """List, show and download the files that tasks left.

    A DAG stands for its latest run.
    """


@artifacts.command("list", epilog="Example: orchestrator artifacts list report")
@run_argument
@click.argument("task", required=False, shell_complete=complete_task)
@map_index_option
@installation_options
@format_option
def list_(client: Client, run: str, task: str | None, map_index: int | None, format_: str) -> None:
    """List the artifacts of a run, or of one task of it."""
    target = find_run(client, run)
    if task is not None and map_index is not None:
        find_task(target, task, map_index)
    elif task is not None and all(row["task_id"] != task for row in target["task_instances"]):
        find_task(target, task, None)  # says which task may be meant
    path = f"/api/runs/{part(target['run_id'])}/artifacts"
    rows = list(client.items(path, "artifacts", limit=MANY, task_id=task, map_index=map_index))
    if format_ == "json":
        print_json(rows)
    else:
        print_rows(COLUMNS, rows, empty="no artifacts")


@artifacts.command("show", epilog="Example: orchestrator artifacts show report build summary")
@run_argument
@task_argument
@name_argument
@map_index_option
@installation_options
@format_option
def show(
    client: Client, run: str, task: str, artifact: str, map_index: int | None, format_: str
) -> None:
    """Print the beginning of an artifact that is text."""
    path, index = _path(client, run, task, artifact, map_index)
    print_preview(client.get(f"{path}/preview", map_index=index), artifact, format_)


@artifacts.command(
    "download", epilog="Example: orchestrator artifacts download report build summary -o out.csv"
)
@run_argument
@task_argument
@name_argument
@map_index_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    help="File or folder; - is stdout. Default: its own name, in this folder.",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@installation_options
@format_option
def download_(
    client: Client,
    run: str,
    task: str,
    artifact: str,
    *,
    map_index: int | None,
    output: Path | None,
    force: bool,
    format_: str,
) -> None:
    """Download an artifact, and check its SHA-256.

    A folder is downloaded as a tar archive.
    """
    path, index = _path(client, run, task, artifact, map_index)
    row = client.get(path, map_index=index)
    if str(output) == "-":
        download(row["url"], row["sha256"], sys.stdout.buffer)
        return
    file = _target(row, output)
    if file.exists() and not force:
        raise CliFailure(f"{file} exists: name another with -o, or replace it with --force", FAILED)
    _save(row, file)
    answer = {"path": str(file), "size_bytes": row["size_bytes"], "sha256": row["sha256"]}
    if format_ == "json":
        print_json(answer)
    else:
        click.echo(f"{file}: {times.size(row['size_bytes'])}")


def _path(
    client: Client, run: str, task: str, artifact: str, map_index: int | None
) -> tuple[str, int]:
    """The path of the artifact in the API, and its map index. Raises CliFailure."""
    target = find_run(client, run)
    index = find_task(target, task, map_index)["map_index"]
    of_run = f"/api/runs/{part(target['run_id'])}"
    rows = client.items(
        f"{of_run}/artifacts", "artifacts", limit=MANY, task_id=task, map_index=index
    )
    names = [row["name"] for row in rows]
    if artifact not in names:
        hint = nearest(artifact, names) or (
            f"; it has {', '.join(names[:10])}" if names else "; it left none"
        )
        raise CliFailure(f"the task {task} has no artifact {artifact!r}{hint}", USAGE)
    return f"{of_run}/tasks/{part(task)}/artifacts/{part(artifact)}", index


def _target(row: dict[str, Any], output: Path | None) -> Path:
    """The name comes from the task, so it never leads out of the folder."""
    name = Path(stored_name(row)).name
    if output is None:
        return Path(name)
    return output / name if output.is_dir() else output


def _save(row: dict[str, Any], file: Path) -> None:
    """A file that bears the name is whole."""
    partial = file.with_name(f".{file.name}.part")
    try:
        with partial.open("wb") as opened:
            download(row["url"], row["sha256"], opened)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
