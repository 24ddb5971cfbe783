"""Lists, sets and deletes pools."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.change import Change, change_options, print_change
from chalicelib.cli.client import ApiError, Client, part
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_pool
from chalicelib.cli.output import Column, format_option, print_json, print_rows

COLUMNS = (
    Column("POOL", lambda pool: pool["name"]),
    Column("SLOTS", lambda pool: str(pool["slots"])),
    Column("USED", lambda pool: str(pool["used"])),
    Column("WAITING", lambda pool: str(pool["waiting"])),
    Column("DESCRIPTION", lambda pool: pool["description"], is_wide=True),
)


@click.group(epilog="Example: orchestrator pools set warehouse 4")
def pools() -> None:
    """Limits on concurrent tasks, shared by DAGs."""


@pools.command("list", epilog="Example: orchestrator pools list")
@installation_options
@format_option
def list_(client: Client, format_: str) -> None:
    """List the pools and how full they are."""
    rows = list(client.items("/api/pools", "pools", limit=1000))
    if format_ == "json":
        print_json(rows)
    else:
        print_rows(COLUMNS, rows, empty="no pools")


@pools.command("set", epilog="Example: orchestrator pools set warehouse 4")
@click.argument("name", shell_complete=complete_pool)
@click.argument("slots", type=click.IntRange(0))
@click.option("--description", default="", help="What the pool protects.")
@installation_options
@change_options
def set_(client: Client, name: str, slots: int, description: str, change: Change) -> None:
    """Create a pool, or change its size."""
    path = f"/api/pools/{part(name)}"
    body: dict[str, Any] = {"slots": slots}
    if description:
        body["description"] = description
    try:
        before = client.get(path)
        reach = [f"changes the pool {name} from {before['slots']} to {slots} slots"]
    except ApiError as error:
        if error.status != 404:
            raise
        reach = [f"creates the pool {name} with {slots} slots"]
    if change.announce(reach):
        answer = client.request("PUT", path, body=body)
        print_change(change, answer, f"{name}: {answer['slots']} slots")


@pools.command("delete", epilog="Example: orchestrator pools delete warehouse")
@click.argument("name", shell_complete=complete_pool)
@installation_options
@change_options
def delete(client: Client, name: str, change: Change) -> None:
    """Delete a pool that no task uses."""
    path = f"/api/pools/{part(name)}"
    pool = client.get(path)
    if change.announce([f"deletes the pool {name}: {pool['slots']} slots, {pool['used']} in use"]):
        client.request("DELETE", path)
        print_change(change, {"deleted": name}, f"deleted: {name}")
