"""Lists runs and task instances."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client
from chalicelib.cli.commands.show import TASK_COLUMNS, waiting
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_dag, complete_run, find_dag, find_run
from chalicelib.cli.output import Column, format_option, print_json, print_rows
from chalicelib.dag.states import RunState, TaskState

RUN_COLUMNS = (
    Column("RUN", lambda run: run["run_id"]),
    Column("STATE", lambda run: run["state"], is_state=True),
    Column("TYPE", lambda run: run["run_type"], is_minor=True),
    Column("LOGICAL DATE", lambda run: times.local(run["logical_date"]), is_minor=True),
    Column("STARTED", lambda run: times.ago(run["started_at"])),
    Column("DURATION", lambda run: times.duration(run["duration"])),
    Column("REASON", lambda run: run["reason"] or waiting(run), is_wide=True),
)


@click.command(epilog="Example: orchestrator runs sample_dag --state failed")
@click.argument("dag", required=False, shell_complete=complete_dag)
@click.option("--state", type=click.Choice([str(state) for state in RunState]))
@click.option(
    "--acknowledged/--unacknowledged", default=None, help="Only such failures.", is_flag=True
)
@click.option("--limit", type=click.IntRange(1), default=25, show_default=True)
@installation_options
@format_option
def runs(
    client: Client,
    dag: str | None,
    state: str | None,
    acknowledged: bool | None,
    limit: int,
    format_: str,
) -> None:
    """List runs, newest first."""
    if dag is not None:
        find_dag(client, dag)
    rows = client.items(
        "/api/runs", "runs", limit=limit, dag_id=dag, state=state, acknowledged=acknowledged
    )
    _print(rows, RUN_COLUMNS, "no runs", format_)


@click.command(epilog="Example: orchestrator tasks sample_dag")
@click.argument("run", metavar="[RUN|DAG]", required=False, shell_complete=complete_run)
@click.option("--state", type=click.Choice([str(state) for state in TaskState]))
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@installation_options
@format_option
def tasks(client: Client, run: str | None, state: str | None, limit: int, format_: str) -> None:
    """List the tasks of a run, or the newest of all runs.

    A DAG stands for its latest run.
    """
    if run:
        of_run = find_run(client, run)["task_instances"]
        rows = iter([row for row in of_run if state in (None, row["state"])][:limit])
    else:
        rows = client.items("/api/task_instances", "task_instances", limit=limit, state=state)
    columns = TASK_COLUMNS if run else (RUN_OF_TASK, *TASK_COLUMNS)
    _print(rows, columns, "no tasks", format_)


RUN_OF_TASK = Column("RUN", lambda row: row["run_id"])


def _print(rows: Any, columns: tuple[Column, ...], empty: str, format_: str) -> None:
    if format_ == "json":
        print_json(list(rows))
    else:
        print_rows(columns, rows, empty=empty)
