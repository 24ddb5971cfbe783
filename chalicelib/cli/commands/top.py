"""Shows live what runs and what waits."""

from __future__ import annotations

import itertools
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client
from chalicelib.cli.commands.show import task_name, waiting
from chalicelib.cli.installation import installation_options
from chalicelib.cli.output import Column, console, fitted_table, format_option, print_json
from chalicelib.cli.output import print_rows as print_table
from chalicelib.dag.states import TaskState as T

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

ACTIVE = (T.RUNNING, T.QUEUED, T.UP_FOR_RETRY, T.UP_FOR_RESCHEDULE, T.SCHEDULED)
SECONDS = 2.0
ROWS = 50
COLUMNS = (
    Column("RUN", lambda row: row["run_id"], is_wide=True),
    Column("TASK", task_name),
    Column("STATE", lambda row: row["state"], is_state=True),
    Column("TRY", lambda row: str(row["try_number"] or ""), is_minor=True),
    Column("SINCE", lambda row: times.ago(row["started_at"] or row["queued_at"]), is_minor=True),
    Column("WAITS FOR", waiting, is_wide=True),
)


@click.command(epilog="Example: orchestrator top")
@click.option("--once", is_flag=True, help="Print once; the default without a terminal.")
@installation_options
@format_option
def top(client: Client, *, once: bool, format_: str) -> None:
    """Show live what runs and what waits.

    Ctrl-C ends it.
    """
    if format_ == "json":
        print_json(_active(client))
    elif once or not sys.stdout.isatty():
        print_table(COLUMNS, _active(client), empty="nothing runs")
    else:
        _live(client)


def _active(client: Client) -> list[dict[str, Any]]:
    """The tasks in flight, then those that wait."""
    rows = itertools.chain.from_iterable(
        client.items("/api/task_instances", "task_instances", limit=ROWS, state=state)
        for state in ACTIVE
    )
    return list(itertools.islice(rows, ROWS))


def _live(client: Client) -> None:
    from rich.live import Live

    terminal = console()
    with Live(_screen(client, terminal), console=terminal, screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(SECONDS)
                live.update(_screen(client, terminal), refresh=True)
        except KeyboardInterrupt:
            return


def _screen(client: Client, terminal: Console) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    rows = _active(client)
    counts = ", ".join(
        f"{sum(row['state'] == state for row in rows)} {state}" for state in (T.RUNNING, T.QUEUED)
    )
    title = Text(f"{client.url}: {counts}", overflow="ellipsis", no_wrap=True)
    shown = rows[: max(1, terminal.height - 3)]
    return Group(title, fitted_table(COLUMNS, shown, terminal) if rows else Text("nothing runs"))
