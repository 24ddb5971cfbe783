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
from chalicelib.cli.output import STATE_COLOURS, Column, console, format_option, print_json
from chalicelib.cli.output import print_rows as print_table
from chalicelib.dag.states import TaskState as T

if TYPE_CHECKING:
    from rich.table import Table

ACTIVE = (T.RUNNING, T.QUEUED, T.UP_FOR_RETRY, T.UP_FOR_RESCHEDULE, T.SCHEDULED)
SECONDS = 2.0
ROWS = 50
COLUMNS = (
    Column("RUN", lambda row: row["run_id"]),
    Column("TASK", task_name),
    Column("STATE", lambda row: row["state"], is_state=True),
    Column("TRY", lambda row: str(row["try_number"] or "")),
    Column("SINCE", lambda row: times.ago(row["started_at"] or row["queued_at"])),
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

    with Live(_table(client), console=console(), screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(SECONDS)
                live.update(_table(client), refresh=True)
        except KeyboardInterrupt:
            return


def _table(client: Client) -> Table:
    from rich.table import Table
    from rich.text import Text

    rows = _active(client)
    counts = ", ".join(
        f"{sum(row['state'] == state for row in rows)} {state}" for state in (T.RUNNING, T.QUEUED)
    )
    table = Table(box=None, title=f"{client.url}: {counts}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column.title, no_wrap=True, ratio=1 if column.is_wide else None)
    for row in rows:
        texts = [column.text(row) for column in COLUMNS]
        table.add_row(*(Text(text, style=STATE_COLOURS.get(text, "")) for text in texts))
    return table
