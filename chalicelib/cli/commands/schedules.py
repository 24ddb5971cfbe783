"""Pauses and resumes schedules, and runs a DAG for a range of dates."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.change import Change, change_options, print_change
from chalicelib.cli.client import Client, part
from chalicelib.cli.commands.trigger import read_params
from chalicelib.cli.failure import FAILED, USAGE, CliFailure
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_dag, find_dag
from chalicelib.cli.output import Column, print_json, print_rows, state_text
from chalicelib.enums import Reprocess, words


@click.command(epilog="Example: orchestrator pause sample_dag")
@click.argument("dag", required=False, shell_complete=complete_dag)
@click.option("--tag", help="All DAGs with this tag instead.")
@installation_options
@change_options
def pause(client: Client, dag: str | None, tag: str | None, change: Change) -> None:
    """Pause the schedule of a DAG.

    Runs on request still start.
    """
    _set_paused(client, dag, tag, change, is_paused=True)


@click.command(epilog="Example: orchestrator unpause --tag nightly")
@click.argument("dag", required=False, shell_complete=complete_dag)
@click.option("--tag", help="All DAGs with this tag instead.")
@installation_options
@change_options
def unpause(client: Client, dag: str | None, tag: str | None, change: Change) -> None:
    """Resume the schedule of a DAG, with its next fire time."""
    _set_paused(client, dag, tag, change, is_paused=False)


def _set_paused(
    client: Client, dag: str | None, tag: str | None, change: Change, *, is_paused: bool
) -> None:
    if (dag is None) == (tag is None):
        raise CliFailure("name a DAG, or a tag with --tag", USAGE)
    word = "pauses" if is_paused else "resumes"
    dags = [find_dag(client, dag)] if dag else _with_tag(client, str(tag))
    touched = [row for row in dags if row["is_paused"] != is_paused]
    reach = [f"{word} {row['dag_id']}" for row in touched] or ["changes nothing"]
    if not change.announce(reach):
        return
    if dag:
        path = f"/api/dags/{part(dag)}"
        answer = client.request("PATCH", path, body={"is_paused": is_paused})
        ids = [dag]
    else:
        answer = client.post("/api/dags/pause", {"tag": tag, "is_paused": is_paused})
        ids = answer["dag_ids"]
    state = "paused" if is_paused else "active"
    print_change(change, answer, f"{state}: {', '.join(ids) or 'none changed'}")


def _with_tag(client: Client, tag: str) -> list[dict[str, Any]]:
    dags = list(client.items("/api/dags", "dags", limit=10_000, tag=tag))
    if not dags:
        raise CliFailure(f"no DAG has the tag {tag!r}", USAGE)
    return dags


@click.group(epilog="Example: orchestrator backfill start sample_dag 2026-11-01 2026-11-07")
def backfill() -> None:
    """Run a DAG for every fire time in a range of dates."""


@backfill.command("start", epilog="Example: orchestrator backfill start etl 2026-11-01 2026-11-07")
@click.argument("dag", shell_complete=complete_dag)
@click.argument("from_", metavar="FROM")
@click.argument("to", metavar="TO")
@click.option("--reprocess", type=click.Choice(list(words(Reprocess))), default="none")
@click.option("--max-active-runs", type=click.IntRange(1), help="Of this backfill at once.")
@click.option("--reverse", is_flag=True, help="The latest date first.")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A param.")
@installation_options
@change_options
def start(
    client: Client,
    dag: str,
    from_: str,
    to: str,
    *,
    reprocess: str,
    max_active_runs: int | None,
    reverse: bool,
    params: tuple[str, ...],
    change: Change,
) -> None:
    """Create runs for the fire times from FROM to TO, both included.

    A date is meant in the DAG's time zone.
    """
    definition = find_dag(client, dag)
    zone = definition["timezone"]
    body: dict[str, Any] = {
        "from": times.instant(from_, zone),
        "to": times.instant(to, zone, is_end=True),
        "reprocess": reprocess,
        "reverse": reverse,
        "params": read_params(params, definition["params"]),
    }
    if max_active_runs is not None:
        body["max_active_runs"] = max_active_runs
    path = f"/api/dags/{part(dag)}/backfill"
    plan = client.post(path, {**body, "dry_run": True})
    if not plan["total"]:
        raise CliFailure(f"{dag} has no fire time from {from_} to {to}", FAILED)
    first, last = plan["dates"][0], plan["dates"][-1]
    reach = [
        f"runs {dag} for {plan['total']} fire times, from {times.local(first)}",
        f"  {plan['already']} of them have a run (--reprocess {reprocess})",
    ]
    if plan["total"] <= len(plan["dates"]):
        reach[0] += f" to {times.local(last)}"
    if change.announce(reach, plan):
        answer = client.post(path, body)
        print_change(change, answer, f"backfill {answer['id']}: {answer['total']} fire times")


BACKFILL_COLUMNS = (
    Column("ID", lambda row: str(row["id"])),
    Column("DAG", lambda row: row["dag_id"]),
    Column("STATE", lambda row: row["state"], is_state=True),
    Column("FROM", lambda row: times.local(row["from_date"])),
    Column("TO", lambda row: times.local(row["to_date"])),
    Column("ACTIVE", lambda row: str(row["active_runs"])),
    Column("DONE", lambda row: ", ".join(f"{n} {what}" for what, n in row["counts"].items() if n)),
)


@backfill.command("list", epilog="Example: orchestrator backfill list --dag sample_dag")
@click.option("--dag", shell_complete=complete_dag, help="Only of this DAG.")
@click.option("--limit", type=click.IntRange(1), default=25, show_default=True)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@installation_options
def list_(client: Client, dag: str | None, limit: int, format_: str) -> None:
    """List backfills, newest first."""
    rows = list(client.items("/api/backfills", "backfills", limit=limit, dag_id=dag))
    if format_ == "json":
        print_json(rows)
    else:
        print_rows(BACKFILL_COLUMNS, rows, empty="no backfills")


@backfill.command("pause", epilog="Example: orchestrator backfill pause 7")
@click.argument("number", metavar="ID", type=int)
@installation_options
@change_options
def pause_(client: Client, number: int, change: Change) -> None:
    """Create no more runs until it is resumed."""
    _change_backfill(client, number, "pause", {}, change)


@backfill.command("resume", epilog="Example: orchestrator backfill resume 7")
@click.argument("number", metavar="ID", type=int)
@installation_options
@change_options
def resume(client: Client, number: int, change: Change) -> None:
    """Go on with a paused backfill."""
    _change_backfill(client, number, "resume", {}, change)


@backfill.command("cancel", epilog="Example: orchestrator backfill cancel 7")
@click.argument("number", metavar="ID", type=int)
@click.option("--stop-running", is_flag=True, help="Also cancel its running runs.")
@installation_options
@change_options
def cancel_(client: Client, number: int, *, stop_running: bool, change: Change) -> None:
    """Cancel a backfill and its runs that have not started."""
    _change_backfill(client, number, "cancel", {"stop_running": stop_running}, change)


def _change_backfill(
    client: Client, number: int, action: str, body: dict[str, Any], change: Change
) -> None:
    row = client.get(f"/api/backfills/{number}")
    reach = [
        f"{action}s backfill {number} of {row['dag_id']}: {row['state']},"
        f" {row['active_runs']} active runs"
    ]
    if change.announce(reach):
        answer = client.post(f"/api/backfills/{number}/{action}", body)
        print_change(change, answer, f"backfill {number}: {state_text(answer['state'])}")
