"""Lists the workers, and the queues that they take tasks from."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client
from chalicelib.cli.commands.operations import depth_text
from chalicelib.cli.installation import installation_options
from chalicelib.cli.output import Column, format_option, print_json, print_rows

COLUMNS = (
    Column("WORKER", lambda row: row["name"]),
    Column("QUEUE", lambda row: row["queue"]),
    Column("RUNS", lambda row: f"{row['running']} of {row['parallelism']}"),
    Column("SEEN", lambda row: times.ago(row["seen_at"]) + ("" if row["is_alive"] else ", silent")),
    Column("SINCE", lambda row: times.local(row["started_at"]), is_minor=True),
)
QUEUE_COLUMNS = (
    Column("QUEUE", lambda row: row["name"]),
    Column("WORKERS", lambda row: str(row["workers"])),
    Column("MESSAGES", lambda row: depth_text(row["depth"]), is_wide=True),
)


@click.command(epilog="Example: orchestrator workers --queue gpu")
@click.option("--queue", help="Only of this queue.")
@installation_options
@format_option
def workers(client: Client, queue: str | None, format_: str) -> None:
    """List the workers and their queues.

    Workers that have been seen in the last day.
    """
    answer = client.get("/api/workers")
    if queue is not None:
        answer = {
            "workers": [row for row in answer["workers"] if row["queue"] == queue],
            "queues": [row for row in answer["queues"] if row["name"] == queue],
        }
    if format_ == "json":
        print_json(answer)
        return
    _print(answer["workers"], answer["queues"])


def _print(seen: list[Any], queues: list[Any]) -> None:
    print_rows(COLUMNS, seen, empty="no workers seen in the last day")
    if queues:
        click.echo()
        print_rows(QUEUE_COLUMNS, queues, empty="")
