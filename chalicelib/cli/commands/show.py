"""Shows one DAG or one run, and explains why something waits or failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client, part
from chalicelib.cli.failure import FAILED, CliFailure
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import (
    complete_run,
    complete_task,
    find_dag,
    find_run,
    find_task,
    run_or_none,
)
from chalicelib.cli.output import (
    Column,
    format_option,
    print_fields,
    print_json,
    print_rows,
    state_text,
)
from chalicelib.dag.states import TaskState

UNWELL = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


def task_name(row: dict[str, Any]) -> str:
    """`extract`, or `load[3]` for a mapped instance."""
    index = row["map_index"]
    return f"{row['task_id']}[{index}]" if index >= 0 else str(row["task_id"])


TASK_COLUMNS = (
    Column("TASK", task_name),
    Column("STATE", lambda row: row["state"], is_state=True),
    Column("TRY", lambda row: str(row["try_number"] or "")),
    Column("STARTED", lambda row: times.local(row["started_at"]), is_minor=True),
    Column("DURATION", lambda row: times.duration(row["duration"])),
    Column("REASON", lambda row: row["reason"] or waiting(row), is_wide=True),
)


def waiting(row: dict[str, Any]) -> str:
    """What the run or task waits for, in one line."""
    return "; ".join(reason["message"] for reason in row["waiting_for"] or ())


@click.command(epilog="Example: orchestrator show sample_dag")
@click.argument("name", metavar="DAG|RUN", shell_complete=complete_run)
@click.argument("task", required=False, shell_complete=complete_task)
@click.option("--map-index", type=int, help="Instance of a mapped task.")
@installation_options
@format_option
def show(client: Client, name: str, task: str | None, map_index: int | None, format_: str) -> None:
    """Show a DAG and its runs, or a run and its tasks.

    With a task, its outputs and attempts in that run, or in the DAG's latest.
    """
    if task is not None:
        _show_task(client, find_run(client, name), task, map_index, format_)
        return
    run = run_or_none(client, name) if "__" in name else None
    value = run or find_dag(client, name)
    if format_ == "json":
        print_json(value)
    elif run is not None:
        _show_run(run)
    else:
        _show_dag(client, value)


ATTEMPT_COLUMNS = (
    Column("TRY", lambda row: str(row["try_number"])),
    Column("OUTCOME", lambda row: row["outcome"], is_state=True),
    Column("STARTED", lambda row: times.local(row["started_at"])),
    Column("DURATION", lambda row: times.duration(row["duration"])),
    Column("MEMORY", lambda row: _size(row["max_rss_bytes"])),
    Column("REASON", lambda row: row["reason"], is_wide=True),
)


def _show_task(
    client: Client, run: dict[str, Any], task: str, map_index: int | None, format_: str
) -> None:
    index = find_task(run, task, map_index)["map_index"]
    path = f"/api/runs/{part(run['run_id'])}/tasks/{part(task)}"
    row = client.get(path, map_index=index)
    if format_ == "json":
        print_json(row)
        return
    print_fields(
        {
            "Task": f"{task_name(row)} of {row['run_id']}",
            "State": state_text(row["state"]),
            "Reason": row["reason"] or waiting(row),
            "Pool": row["pool"] or "",
            "Item": ", ".join(f"{name}={value}" for name, value in (row["item"] or {}).items()),
            "Outputs": "\n".join(f"{name}={value}" for name, value in row["outputs"].items()),
        }
    )
    click.echo()
    print_rows(ATTEMPT_COLUMNS, row["attempts"], empty="no attempt has ended")


def _size(size: int | None) -> str:
    return "" if size is None else f"{size / 2**20:.0f} MB"


def _show_run(run: dict[str, Any]) -> None:
    print_fields(
        {
            "Run": run["run_id"],
            "DAG": f"{run['dag_id']}, version {run['version']}",
            "State": state_text(run["state"]),
            "Reason": run["reason"] or waiting(run),
            "Type": run["run_type"],
            "Logical date": times.local(run["logical_date"]),
            "Started": times.local(run["started_at"]),
            "Duration": times.duration(run["duration"]),
            "Params": ", ".join(f"{name}={value}" for name, value in run["params"].items()),
            "Note": run["note"] or "",
            "Acknowledged": run["acknowledged_by"] or "",
        }
    )
    click.echo()
    print_rows(TASK_COLUMNS, run["task_instances"], empty="no tasks")


def _show_dag(client: Client, dag: dict[str, Any]) -> None:
    runs = client.get(f"/api/dags/{part(dag['dag_id'])}/runs", limit=5)["runs"]
    print_fields(
        {
            "DAG": dag["dag_id"],
            "Name": dag["name"],
            "Description": dag["description"] or "",
            "Owner": dag["owner"] or "",
            "Tags": ", ".join(dag["tags"]),
            "Schedule": ", ".join(dag["schedule"]) or "on request",
            "Time zone": dag["timezone"],
            "Next": "paused" if dag["is_paused"] else times.local(dag["next_fire_at"]),
            "Paused": dag["paused_reason"] or "",
            "File": f"{dag['file_key']}, version {dag['version']}",
            "Problem": dag["problem"] or "",
            "Tasks": ", ".join(task["id"] for task in dag["tasks"]),
        }
    )
    click.echo()
    from chalicelib.cli.commands.runs import RUN_COLUMNS

    print_rows(RUN_COLUMNS, runs, empty="no runs yet")


@click.command(epilog="Example: orchestrator why sample_dag")
@click.argument("run", metavar="RUN|DAG", shell_complete=complete_run)
@click.argument("task", required=False, shell_complete=complete_task)
@click.option("--map-index", type=int, help="Instance of a mapped task.")
@installation_options
@format_option
def why(client: Client, run: str, task: str | None, map_index: int | None, format_: str) -> None:
    """Explain why a run or a task failed, or what it waits for.

    A DAG stands for its latest run.
    """
    found = find_run(client, run)
    rows = [find_task(found, task, map_index)] if task else _worth_explaining(found)
    reasons = list(_reasons(found, rows, is_about_task=task is not None))
    if format_ == "json":
        print_json({"run_id": found["run_id"], "state": found["state"], "reasons": reasons})
        return
    click.echo(f"{found['run_id']}: {state_text(found['state'])}")
    if not reasons:
        click.echo("  nothing failed, and nothing waits")
    for reason in reasons:
        click.echo(f"  {reason['what']}: {state_text(reason['state'])}: {reason['reason']}")
        for line in _log_tail(client, found, reason):
            click.echo(f"    {line}")


def _worth_explaining(run: dict[str, Any]) -> list[dict[str, Any]]:
    """The tasks that failed by themselves, or, if none did, those that wait."""
    tasks = run["task_instances"]
    failed = [row for row in tasks if row["state"] == TaskState.FAILED]
    return failed or [row for row in tasks if row["waiting_for"] or row["state"] in UNWELL]


def _reasons(
    run: dict[str, Any], rows: list[dict[str, Any]], *, is_about_task: bool
) -> Iterator[dict[str, Any]]:
    said = run["reason"] or waiting(run)
    if said and not is_about_task:
        yield {"what": "the run", "state": run["state"], "reason": said, "task": None}
    for row in rows:
        reason = row["reason"] or waiting(row) or "nothing keeps it"
        yield {"what": task_name(row), "state": row["state"], "reason": reason, "task": row}


LINES_SHOWN = 10


def _log_tail(client: Client, run: dict[str, Any], reason: dict[str, Any]) -> list[str]:
    """The last lines of the log of a failed task."""
    row = reason["task"]
    if row is None or row["state"] != TaskState.FAILED or not row["try_number"]:
        return []
    path = f"/api/runs/{part(run['run_id'])}/tasks/{part(row['task_id'])}/logs"
    size = row["log_bytes"] or 0
    offset = max(0, size - 4096)
    log = client.get(path, map_index=row["map_index"], offset=offset)["content"]
    lines: list[str] = log.splitlines()
    return (lines[1:] if offset else lines)[-LINES_SHOWN:]


def fail_unless_success(run: dict[str, Any]) -> None:
    """Raise CliFailure for a run that ended otherwise."""
    if run["state"] != "success":
        reason = f": {run['reason']}" if run["reason"] else ""
        raise CliFailure(f"the run {run['run_id']} ended as {run['state']}{reason}", FAILED)
