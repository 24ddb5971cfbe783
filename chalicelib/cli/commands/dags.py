"""Lists and shows DAGs."""

from __future__ import annotations

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client
from chalicelib.cli.installation import installation_options
from chalicelib.cli.output import Column, format_option, print_json, print_rows


def _problem(dag: dict[str, object]) -> str:
    if dag["has_import_error"]:
        return "the latest file is invalid: orchestrator errors"
    return str(dag["problem"] or dag["paused_reason"] or "")


COLUMNS = (
    Column("DAG", lambda dag: dag["dag_id"]),
    Column("SCHEDULE", lambda dag: ", ".join(dag["schedule"]) or "on request", is_minor=True),
    Column("LAST RUN", lambda dag: (dag["last_run"] or {}).get("state", ""), is_state=True),
    Column("NEXT", lambda dag: "paused" if dag["is_paused"] else times.local(dag["next_fire_at"])),
    Column("TAGS", lambda dag: ", ".join(dag["tags"]), is_minor=True),
    Column("PROBLEM", _problem, is_wide=True),
)


@click.command(epilog="Example: orchestrator dags --tag nightly")
@installation_options
@click.option("--tag", help="Only DAGs with this tag.")
@click.option("--search", help="Only DAGs whose id, name or description contains this text.")
@click.option("--paused/--active", default=None, help="Only paused DAGs, or only active ones.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@format_option
def dags(
    client: Client,
    tag: str | None,
    search: str | None,
    paused: bool | None,
    limit: int,
    format_: str,
) -> None:
    """List the registered DAGs."""
    rows = client.items("/api/dags", "dags", limit=limit, tag=tag, search=search, paused=paused)
    if format_ == "json":
        print_json(list(rows))
        return
    print_rows(COLUMNS, rows, empty="no DAGs")
