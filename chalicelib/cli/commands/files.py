"""Uploads, downloads and removes DAG files."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from chalicelib.cli.change import Change, change_options
from chalicelib.cli.client import Client, part
from chalicelib.cli.dags_bucket import DagsBucket, LocalFile, etag_of, files_of
from chalicelib.cli.failure import FAILED, CliFailure
from chalicelib.cli.installation import installation_options
from chalicelib.cli.local_run.shared_files import shared_of
from chalicelib.cli.lookup import complete_dag, find_dag
from chalicelib.cli.output import format_option, print_json
from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.language.shared_file import parse_shared
from chalicelib.dag.problems import DagFileError
from chalicelib.dag_files import is_dag_file, is_defaults_file

UPLOADS = 16
"""Uploads at the same time."""
PATIENCE = 120.0
"""Seconds until a registration is given up."""
PAUSE = 0.3

bucket_option = click.option("--bucket", help="The dags bucket, if the installation's is another.")


@click.command(epilog="Example: orchestrator push dags/")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--prefix", default="", help="Folder in the bucket, such as team-a/.")
@bucket_option
@installation_options
@change_options
def push(client: Client, path: Path, prefix: str, bucket: str | None, change: Change) -> None:
    """Check DAG files, upload them, and wait until they are registered.

    Of a folder, everything that is not hidden.
    """
    files = files_of(path, prefix)
    dag_ids = _checked(
        [file for file in files if is_dag_file(file.key)],
        [file for file in files if is_defaults_file(file.key)],
    )
    target = DagsBucket(client, bucket)
    stored = target.etags(prefix)
    changed = [file for file in files if etag_of(file.read()) != stored.get(file.key)]
    reach = [
        f"{'changes' if file.key in stored else 'adds'} s3://{target.name}/{file.key}"
        for file in changed
    ]
    if not change.announce(reach or ["changes nothing"]):
        return
    errors_before = _import_errors(client)
    etags = {**stored, **_upload(target, changed)}
    rows = [
        _wait(client, key, dag_id, etags[key], errors_before) for key, dag_id in dag_ids.items()
    ]
    if change.format != "json":
        _report_others(target.name, [file.key for file in changed if file.key not in dag_ids])
        if not (rows or changed):
            click.echo("nothing to upload: the bucket has the same files")
    _report(rows, change.format)


def _checked(files: list[LocalFile], shared: list[LocalFile]) -> dict[str, str]:
    """The dag_id of each DAG file by its key; `shared` are shared defaults. Raises CliFailure with
    every problem."""
    dag_ids, lines = {}, []
    for file in files:
        try:
            dag_ids[file.key] = parse_file(file.read(), shared=shared_of(file.path)).dag.dag_id
        except DagFileError as error:
            lines += [f"{file.path}:{p.line}:{p.column}: {p.message}" for p in error.problems]
    for file in shared:
        try:
            parse_shared(file.read())
        except DagFileError as error:
            lines += [f"{file.path}:{p.line}:{p.column}: {p.message}" for p in error.problems]
    if lines:
        raise CliFailure("\n".join(["nothing was uploaded", *lines]), FAILED)
    return dag_ids


def _upload(target: DagsBucket, files: list[LocalFile]) -> dict[str, str]:
    """Uploads all but the DAG files first, so that these find what they bring along."""
    etags: dict[str, str] = {}
    for is_dag in (False, True):
        batch = [file for file in files if is_dag_file(file.key) == is_dag]
        with ThreadPoolExecutor(UPLOADS) as pool:
            uploaded = pool.map(lambda file: target.put(file.key, file.read()), batch)
            etags |= dict(zip((file.key for file in batch), uploaded, strict=True))
    return etags


def _wait(
    client: Client, key: str, dag_id: str, etag: str, errors_before: dict[str, Any]
) -> dict[str, Any]:
    """Wait for the version with this ETag, or an import error that is new."""
    row: dict[str, Any] = {"file_key": key, "dag_id": dag_id, "version": None, "problems": []}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        version = _registered(client, key, dag_id, etag)
        if version is not None:
            return {**row, "version": version}
        error = _import_errors(client).get(key)
        if error is not None and error != errors_before.get(key):
            return {**row, "problems": error["problems"]}
        time.sleep(PAUSE)
    raise CliFailure(
        f"{key} was uploaded, but is not registered after {PATIENCE:.0f} s: see orchestrator health"
    )


def _registered(client: Client, key: str, dag_id: str, etag: str) -> int | None:
    from chalicelib.cli.client import ApiError

    try:
        versions = client.get(f"/api/dags/{part(dag_id)}/versions", limit=5)["versions"]
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    for version in versions:
        if version["is_active"] and version["file_key"] == key and version["etag"] == etag:
            return int(version["version"])
    return None


def _import_errors(client: Client) -> dict[str, Any]:
    rows = client.items("/api/import_errors", "import_errors", limit=10_000)
    return {row["file_key"]: row for row in rows}


def _report_others(bucket: str, keys: list[str]) -> None:
    for key in keys:
        click.echo(f"s3://{bucket}/{key}: uploaded")


def _report(rows: list[dict[str, Any]], format_: str) -> None:
    if format_ == "json":
        print_json(rows)
    failed = [row for row in rows if row["version"] is None]
    for row in rows:
        if format_ != "json" and row["version"] is not None:
            click.echo(f"{row['dag_id']}: version {row['version']}, from {row['file_key']}")
    if failed:
        lines = [
            f"{row['file_key']}:{problem['line']}:{problem['column']}: {problem['message']}"
            for row in failed
            for problem in row["problems"]
        ]
        raise CliFailure("\n".join(["not registered", *lines]), FAILED)


@click.command(epilog="Example: orchestrator pull sample_dag > sample_dag.yaml")
@click.argument("dag", shell_complete=complete_dag)
@click.option("--version", type=click.IntRange(1), help="An earlier version.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File.")
@installation_options
@format_option
def pull(client: Client, dag: str, version: int | None, output: Path | None, format_: str) -> None:
    """Print the file of a DAG, exactly as it was uploaded."""
    find_dag(client, dag)
    source = client.get(f"/api/dags/{part(dag)}/source", version=version)
    if output is not None:
        output.write_text(source["source"], encoding="utf-8", newline="")
    elif format_ == "json":
        print_json(source)
    else:
        click.echo(source["source"], nl=False)


@click.command(epilog="Example: orchestrator rm sample_dag")
@click.argument("dag", shell_complete=complete_dag)
@bucket_option
@installation_options
@change_options
def rm(client: Client, dag: str, bucket: str | None, change: Change) -> None:
    """Delete the file of a DAG, and wait until the DAG is removed.

    Its history stays.
    """
    definition = find_dag(client, dag)
    if definition["removed_at"] is not None:
        raise CliFailure(f"{dag} is removed already", FAILED)
    target = DagsBucket(client, bucket)
    key = definition["file_key"]
    if not change.announce([f"deletes s3://{target.name}/{key}, and so removes {dag}"]):
        return
    target.delete(key)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        removed = client.get(f"/api/dags/{part(dag)}")
        if removed["removed_at"] is not None:
            click.echo(f"{dag}: removed") if change.format != "json" else print_json(removed)
            return
        time.sleep(PAUSE)
    raise CliFailure(f"{key} was deleted, but {dag} is still registered: see orchestrator health")
