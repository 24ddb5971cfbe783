"""Lists and shows the files that a DAG brings along."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client, part
from chalicelib.cli.failure import USAGE, CliFailure, nearest
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_dag, complete_dag_file, find_dag
from chalicelib.cli.output import Column, format_option, print_json, print_preview, print_rows

COLUMNS = (
    Column("FILE", lambda row: row["path"], is_wide=True),
    Column("SIZE", lambda row: times.size(row["size_bytes"])),
    Column("EXECUTABLE", lambda row: "yes" if row["is_executable"] else "", is_minor=True),
    Column("SHA-256", lambda row: row["sha256"][:12], is_minor=True),
)
MANY = 10_000
dag_argument = click.argument("dag", shell_complete=complete_dag)
version_option = click.option("--version", type=click.IntRange(1), help="An earlier version.")


@click.group(epilog="Example: orchestrator files show report load.sql")
def files() -> None:
    """List and show the files that a DAG brings along."""


@files.command("list", epilog="Example: orchestrator files list report --version 3")
@dag_argument
@version_option
@installation_options
@format_option
def list_(client: Client, dag: str, version: int | None, format_: str) -> None:
    """List the files that a version of a DAG brings along."""
    rows = _files(client, dag, version)
    if format_ == "json":
        print_json(rows)
    else:
        print_rows(COLUMNS, rows, empty="no files")


@files.command("show", epilog="Example: orchestrator files show report load.sql")
@dag_argument
@click.argument("path", shell_complete=complete_dag_file)
@version_option
@installation_options
@format_option
def show(client: Client, dag: str, path: str, version: int | None, format_: str) -> None:
    """Print the beginning of a file that is text."""
    known = [row["path"] for row in _files(client, dag, version)]
    if path not in known:
        hint = nearest(path, known) or f"; see orchestrator files list {dag}"
        raise CliFailure(f"the DAG {dag} has no file {path!r}{hint}", USAGE)
    route, query = f"/api/dags/{part(dag)}/files/content", {"path": path, "version": version}
    print_preview(client.request("GET", route, query=query), path, format_)


def _files(client: Client, dag: str, version: int | None) -> list[dict[str, Any]]:
    find_dag(client, dag)
    route = f"/api/dags/{part(dag)}/files"
    return list(client.items(route, "files", limit=MANY, version=version))
