"""Starts a run, and waits for it or follows it."""

from __future__ import annotations

import json
import secrets
from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.change import Change, change_options
from chalicelib.cli.client import Client, part
from chalicelib.cli.commands.show import fail_unless_success, task_name
from chalicelib.cli.failure import USAGE, CliFailure, nearest
from chalicelib.cli.follow import RunFollower
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_dag, find_dag
from chalicelib.cli.output import print_json, state_text
from chalicelib.dag.states import TaskState

QUIET = (TaskState.NONE, TaskState.SCHEDULED, TaskState.QUEUED, TaskState.RUNNING)


@click.command(epilog="Example: orchestrator trigger report -p day=2026-11-01 --follow")
@click.argument("dag", shell_complete=complete_dag)
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A param.")
@click.option("--logical-date", help="Instead of now, such as 2026-11-01T06:00Z.")
@click.option("--note", help="Why, for those who look at the run later.")
@click.option("--key", help="Idempotency key: a repeated one answers with the run that exists.")
@click.option("--wait", is_flag=True, help="Until the run has ended; exit code 1 if it failed.")
@click.option("--follow", is_flag=True, help="Also print the logs of its tasks.")
@installation_options
@change_options
def trigger(
    client: Client,
    dag: str,
    params: tuple[str, ...],
    logical_date: str | None,
    note: str | None,
    key: str | None,
    *,
    wait: bool,
    follow: bool,
    change: Change,
) -> None:
    """Start a run of a DAG."""
    definition = find_dag(client, dag)
    body: dict[str, Any] = {
        "params": read_params(params, definition["params"]),
        "logical_date": logical_date and times.instant(logical_date, definition["timezone"]),
        "note": note,
        # So that a request whose answer was lost can be sent again.
        "idempotency_key": key or secrets.token_hex(16),
    }
    body = {name: value for name, value in body.items() if value is not None}
    if not change.announce(_reach(definition, body), body):
        return
    run = client.post(f"/api/dags/{part(dag)}/run", body)
    if change.format == "json" and not (wait or follow):
        print_json(run)
        return
    if change.format != "json":
        click.echo(run["run_id"])
    if wait or follow:
        ended = _watch(client, run["run_id"], follow=follow, quiet=change.format == "json")
        if change.format == "json":
            print_json(ended)
        fail_unless_success(ended)


def _reach(definition: dict[str, Any], body: dict[str, Any]) -> list[str]:
    params = ", ".join(f"{name}={value}" for name, value in body["params"].items())
    lines = [
        f"starts a run of {definition['dag_id']}, version {definition['version']}:"
        f" {len(definition['tasks'])} tasks" + (f", with {params}" if params else "")
    ]
    if definition["has_import_error"]:
        lines.append("the latest file is invalid: the run takes the last valid version")
    return lines


def read_params(pairs: tuple[str, ...], declared: list[dict[str, Any]]) -> dict[str, Any]:
    """`NAME=VALUE` as params: JSON where the param is not a text and VALUE is JSON. Raises
    CliFailure for an unknown name."""
    types = {param["name"]: param["type"] for param in declared}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise CliFailure(f"{pair!r} is no param: write NAME=VALUE", USAGE)
        if name not in types:
            raise CliFailure(f"the DAG has no param {name!r}{nearest(name, types)}", USAGE)
        values[name] = text if types[name] == "string" else _json_or_text(text)
    return values


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _watch(client: Client, run_id: str, *, follow: bool, quiet: bool) -> dict[str, Any]:
    def changed(row: dict[str, Any]) -> None:
        if not quiet and row["state"] not in QUIET:
            taken = f" in {times.duration(row['duration'])}" if row["duration"] else ""
            reason = f": {row['reason']}" if row["reason"] else ""
            click.echo(f"{task_name(row)}: {state_text(row['state'])}{taken}{reason}")

    def wrote(row: dict[str, Any], line: str) -> None:
        click.echo(f"{task_name(row)} | {line}", err=quiet)

    return RunFollower(client, run_id, changed, wrote if follow else None).watch()
