"""The orchestrator itself: import errors, ticks, the audit log, health."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.change import Change, change_options, print_change
from chalicelib.cli.client import Client
from chalicelib.cli.failure import FAILED, CliFailure
from chalicelib.cli.installation import installation_options
from chalicelib.cli.output import Column, format_option, print_fields, print_json, print_rows

limit_option = click.option("--limit", type=click.IntRange(1), default=50, show_default=True)


@click.command(epilog="Example: orchestrator errors")
@click.option("--warnings", is_flag=True, help="Also what is valid but probably unintended.")
@limit_option
@installation_options
@format_option
def errors(client: Client, *, warnings: bool, limit: int, format_: str) -> None:
    """List the files that could not be registered, and why."""
    files = list(client.items("/api/import_errors", "import_errors", limit=limit))
    warned = (
        list(client.items("/api/dag_warnings", "dag_warnings", limit=limit)) if warnings else []
    )
    if format_ == "json":
        print_json({"import_errors": files, "dag_warnings": warned})
        return
    for row in files:
        for problem in row["problems"]:
            click.echo(_line(row, problem))
    for row in warned:
        for warning in row["warnings"]:
            click.echo(_line(row, warning, "warning: "))
    if not files and not warned:
        click.echo("every file is registered", err=True)


def _line(row: dict[str, Any], problem: dict[str, Any], kind: str = "") -> str:
    return f"{row['file_key']}:{problem['line']}:{problem['column']}: {kind}{problem['message']}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number)


TICK_COLUMNS = (
    Column("STARTED", lambda tick: times.local(tick["started_at"])),
    Column("DURATION", lambda tick: f"{tick['duration'] * 1000:.0f} ms"),
    Column(
        "DONE", lambda tick: ", ".join(f"{n} {what}" for what, n in tick["counts"].items() if n)
    ),
    Column("ERRORS", lambda tick: "; ".join(tick["errors"]), is_wide=True),
)


@click.command(epilog="Example: orchestrator ticks --limit 10")
@limit_option
@installation_options
@format_option
def ticks(client: Client, limit: int, format_: str) -> None:
    """List what the scheduler did lately."""
    _print(client, "ticks", TICK_COLUMNS, limit, format_, {})


AUDIT_COLUMNS = (
    Column("AT", lambda row: times.local(row["at"])),
    Column("WHO", lambda row: row["who"]),
    Column("ACTION", lambda row: row["action"]),
    Column("TARGET", lambda row: row["target"]),
    Column(
        "DETAILS",
        lambda row: ", ".join(f"{name}={value}" for name, value in row["details"].items()),
        is_wide=True,
    ),
)


@click.command(epilog="Example: orchestrator audit --target sample_dag")
@click.option("--who", help="Only by this token or caller.")
@click.option("--action", help="Only this action.")
@click.option("--target", help="Only on this DAG, run, pool or token.")
@limit_option
@installation_options
@format_option
def audit(
    client: Client,
    who: str | None,
    action: str | None,
    target: str | None,
    limit: int,
    format_: str,
) -> None:
    """List who changed what."""
    query = {"who": who, "action": action, "target": target}
    _print(client, "audit", AUDIT_COLUMNS, limit, format_, query)


@click.command(epilog="Example: orchestrator notifications --state failed")
@click.option("--run", help="Only about this run.")
@click.option("--state", help="Only in this state.")
@limit_option
@installation_options
@format_option
def notifications(
    client: Client, run: str | None, state: str | None, limit: int, format_: str
) -> None:
    """List notifications, sent and pending."""
    query = {"run_id": run, "state": state}
    _print(client, "notifications", NOTIFICATION_COLUMNS, limit, format_, query)


NOTIFICATION_COLUMNS = (
    Column("ID", lambda row: str(row["id"])),
    Column("CREATED", lambda row: times.local(row["created_at"])),
    Column("STATE", lambda row: row["state"]),
    Column("EVENT", lambda row: row["event"]),
    Column("KIND", lambda row: row["kind"]),
    Column("RUN", lambda row: row["run_id"] or ""),
    Column("REASON", lambda row: row["reason"], is_wide=True),
)


def _print(
    client: Client,
    name: str,
    columns: tuple[Column, ...],
    limit: int,
    format_: str,
    query: dict[str, Any],
) -> None:
    rows = list(client.items(f"/api/{name}", name, limit=limit, **query))
    if format_ == "json":
        print_json(rows)
    else:
        print_rows(columns, rows, empty=f"no {name}")


@click.command(epilog="Example: orchestrator resend 17")
@click.argument("notification", type=click.IntRange(1))
@installation_options
@change_options
def resend(client: Client, notification: int, change: Change) -> None:
    """Send a notification again.

    Its number is in the list that `orchestrator notifications` prints.
    """
    if not change.announce([f"sends notification {notification} again"]):
        return
    answer = client.request("POST", f"/api/notifications/{notification}/resend")
    print_change(change, answer, f"{notification}: sent again, by {answer['kind']}")


@click.command(epilog="Example: orchestrator health")
@installation_options
@format_option
def health(client: Client, format_: str) -> None:
    """Show whether the orchestrator works.

    The exit code is 1 if it does not, or not fully.
    """
    value = client.get("/api/health")
    if format_ == "json":
        print_json(value)
    else:
        print_fields({"Status": value["status"], "URL": client.url, **_details(value)})
    if value["status"] != "ok":
        raise CliFailure(f"the orchestrator is {value['status']}", FAILED)


def _details(value: dict[str, Any]) -> dict[str, str]:
    """What callers with a token get to know."""
    if "queues" not in value:
        return {}
    tick = value["last_tick"]
    return {
        "Last tick": times.ago(tick["started_at"]) if tick else "none yet",
        **{f"Queue {name}": depth_text(depth) for name, depth in value["queues"].items()},
        "Set aside": str(value["set_aside"]),
        "Import errors": str(value["import_errors"]),
    }


def depth_text(depth: dict[str, int] | None) -> str:
    """What is in a queue, in words."""
    if depth is None:
        return "does not answer"
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in depth.items())
