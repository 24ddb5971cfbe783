"""Prints the log of a task."""

from __future__ import annotations

import re

import click

from chalicelib.cli.client import Client
from chalicelib.cli.follow import log_lines
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_run, complete_task, find_run, find_task
from chalicelib.cli.output import format_option, print_json

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ")


@click.command(epilog="Example: orchestrator logs sample_dag task1 --follow")
@click.argument("run", metavar="RUN|DAG", shell_complete=complete_run)
@click.argument("task", shell_complete=complete_task)
@click.option("-f", "--follow", is_flag=True, help="Go on until the task has ended.")
@click.option("--try", "try_number", type=click.IntRange(1), help="Attempt; the latest by default.")
@click.option("--map-index", type=int, help="Instance of a mapped task.")
@click.option("--timestamps/--no-timestamps", default=True, help="Whether lines begin with a time.")
@installation_options
@format_option
def logs(
    client: Client,
    run: str,
    task: str,
    *,
    follow: bool,
    try_number: int | None,
    map_index: int | None,
    timestamps: bool,
    format_: str,
) -> None:
    """Print the log of a task.

    A DAG stands for its latest run.
    """
    found = find_run(client, run)
    row = find_task(found, task, map_index)
    lines = log_lines(
        client,
        found["run_id"],
        task,
        follow=follow,
        try_number=try_number,
        map_index=row["map_index"],
    )
    if format_ == "json":
        print_json({"run_id": found["run_id"], "task_id": task, "lines": list(lines)})
        return
    for line in lines:
        click.echo(line if timestamps else _STAMP.sub("", line, count=1))
