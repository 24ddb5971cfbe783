"""Prints the log of a task, or all logs of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click

from chalicelib.cli.client import Client, part
from chalicelib.cli.commands.show import task_name
from chalicelib.cli.failure import USAGE, CliFailure
from chalicelib.cli.follow import RunFollower, log_lines
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_run, complete_task, find_run, find_task
from chalicelib.cli.output import format_option, print_json

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ")


@click.command(epilog="Example: orchestrator logs sample_dag --search error")
@click.argument("run", metavar="RUN|DAG", shell_complete=complete_run)
@click.argument("task", required=False, shell_complete=complete_task)
@click.option("-f", "--follow", is_flag=True, help="Go on until the task, or the run, has ended.")
@click.option("--search", metavar="TEXT", help="Only lines with this text.")
@click.option("--try", "try_number", type=click.IntRange(1), help="Attempt; the latest by default.")
@click.option("--map-index", type=int, help="Instance of a mapped task.")
@click.option("--timestamps/--no-timestamps", default=True, help="Whether lines begin with a time.")
@installation_options
@format_option
def logs(
    client: Client,
    run: str,
    task: str | None,
    *,
    follow: bool,
    search: str | None,
    try_number: int | None,
    map_index: int | None,
    timestamps: bool,
    format_: str,
) -> None:
    """Print the log of a task, or all logs of a run.

    A DAG stands for its latest run.
    """
    target = find_run(client, run)
    run_id = target["run_id"]
    if task is None:
        if try_number is not None or map_index is not None:
            raise CliFailure("--try and --map-index belong to a task: name it", USAGE)
        lines = _followed(client, run_id) if follow else _all_lines(client, run_id, search)
    else:
        row = find_task(target, task, map_index)
        query = {"try_number": try_number, "map_index": row["map_index"]}
        texts = log_lines(client, run_id, task, follow=follow, **query)
        lines = ((None, text) for text in texts)
    if search is not None and (task is not None or follow):
        lines = (line for line in lines if search.casefold() in line[1].casefold())
    if format_ == "json":
        _print_json(run_id, task, lines)
        return
    for name, text in lines:
        shown = text if timestamps else _STAMP.sub("", text, count=1)
        click.echo(shown if name is None else f"{name} | {shown}")


Line = tuple[str | None, str]
"""The name of the task and attempt that wrote it, where there are several, and its text."""


def _print_json(run_id: str, task: str | None, lines: Iterator[Line]) -> None:
    if task is not None:
        print_json({"run_id": run_id, "task_id": task, "lines": [text for _, text in lines]})
    else:
        rows = [{"task": name, "text": text} for name, text in lines]
        print_json({"run_id": run_id, "lines": rows})


def _all_lines(client: Client, run_id: str, search: str | None) -> Iterator[Line]:
    """Of all attempts, in the order of the DAG; the server searches."""
    path, cursor = f"/api/runs/{part(run_id)}/logs", None
    while True:
        page = client.get(path, search=search, cursor=cursor)
        for lines in page["parts"]:
            name = _attempt_name(lines)
            yield from ((name, line["text"]) for line in lines["lines"])
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _followed(client: Client, run_id: str) -> Iterator[Line]:
    """Of all attempts as they come, until the run has ended."""
    written: list[Line] = []
    follower = RunFollower(
        client,
        run_id,
        on_change=lambda _: None,
        on_line=lambda row, text: written.append((_attempt_name(row), text)),
    )
    for _ in follower.looks():
        yield from written
        written.clear()


def _attempt_name(attempt: dict[str, Any]) -> str:
    tries = f" try {attempt['try_number']}" if attempt["try_number"] > 1 else ""
    return f"{task_name(attempt)}{tries}"
