"""Lists runs and task instances."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.change import Change, change_options, print_change
from chalicelib.cli.client import Client
from chalicelib.cli.commands.show import TASK_COLUMNS, task_name, waiting
from chalicelib.cli.failure import FAILED, CliFailure
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_dag, complete_run, complete_tag, find_dag, find_run
from chalicelib.cli.output import Column, format_option, print_json, print_rows
from chalicelib.dag.states import RunState, TaskState
from chalicelib.enums import BulkAction, RunType, words

AT_ONCE = 500
"""Runs that one request changes."""


def _reason(run: dict[str, Any]) -> str:
    """Of a failure, the task that failed first and its reason."""
    cause = run["cause"]
    if run["state"] == "failed" and cause and cause["reason"]:
        return f"{task_name(cause)}: {cause['reason']}"
    return str(run["reason"] or waiting(run))


RUN_COLUMNS = (
    Column("RUN", lambda run: run["run_id"]),
    Column("STATE", lambda run: run["state"], is_state=True),
    Column("TYPE", lambda run: run["run_type"], is_minor=True),
    Column("LOGICAL DATE", lambda run: times.local(run["logical_date"]), is_minor=True),
    Column("STARTED", lambda run: times.ago(run["started_at"])),
    Column("DURATION", lambda run: times.duration(run["duration"])),
    Column("REASON", _reason, is_wide=True),
)


@click.command(epilog="Example: orchestrator runs --state failed --from 2026-11-28 --then retry")
@click.argument("dag", required=False, shell_complete=complete_dag)
@click.option("--name", metavar="TEXT", help="Part of the DAG's id or name.")
@click.option("--tag", help="Of DAGs with this tag.", shell_complete=complete_tag)
@click.option("--state", type=click.Choice([str(state) for state in RunState]))
@click.option("--type", "run_type", type=click.Choice(list(words(RunType))), help="Started how.")
@click.option("--from", "from_", metavar="DATE", help="First logical date.")
@click.option("--to", metavar="DATE", help="Last logical date.")
@click.option("--cause", metavar="TEXT", help="Part of the reason of a failure.")
@click.option(
    "--acknowledged/--unacknowledged", default=None, help="Only such failures.", is_flag=True
)
@click.option("--limit", type=click.IntRange(1), default=25, show_default=True)
@click.option(
    "--then", type=click.Choice(list(words(BulkAction))), help="Do this to each of these runs."
)
@click.option("--note", help="For --then acknowledge: what is known about the failures.")
@installation_options
@change_options
def runs(
    client: Client,
    dag: str | None,
    *,
    limit: int,
    from_: str | None,
    to: str | None,
    then: str | None,
    note: str | None,
    change: Change,
    **filters: Any,
) -> None:
    """List runs, newest first.

    Dates are in this machine's zone. --then changes all runs of the list.
    """
    if dag is not None:
        find_dag(client, dag)
    filters |= {"from": _instant(from_), "to": _instant(to, is_end=True), "dag_id": dag}
    rows = client.items("/api/runs", "runs", limit=limit, **filters)
    if then is not None:
        _change(client, [row["run_id"] for row in rows], then, note, change)
    elif change.format == "json":
        print_json(list(rows))
    else:
        print_rows(RUN_COLUMNS, rows, empty="no runs")


def _instant(text: str | None, *, is_end: bool = False) -> str | None:
    return None if text is None else times.instant(text, None, is_end=is_end)


def _change(
    client: Client, run_ids: list[str], action: str, note: str | None, change: Change
) -> None:
    """Show what the change reaches, then make it, so many runs at a time."""
    parts = [run_ids[start : start + AT_ONCE] for start in range(0, len(run_ids), AT_ONCE)]
    body = {"action": action, "note": note}

    def send(*, dry_run: bool) -> dict[str, Any]:
        answers = [
            client.post("/api/runs/bulk", {**body, "run_ids": part, "dry_run": dry_run})
            for part in parts
        ]
        return {"runs": [run for answer in answers for run in answer["runs"]]}

    plan = send(dry_run=True)
    if not any(run["is_change"] for run in plan["runs"]):
        raise CliFailure("\n".join([f"nothing to {action}", *_outcomes(plan)]), FAILED)
    if change.announce([f"would {action}:", *_outcomes(plan)], plan):
        answer = send(dry_run=False)
        print_change(change, answer, "\n".join(_outcomes(answer)))


def _outcomes(answer: dict[str, Any]) -> list[str]:
    return [f"{run['run_id']}: {_outcome(run)}" for run in answer["runs"]]


def _outcome(run: dict[str, Any]) -> str:
    if run["problem"]:
        return str(run["problem"])
    if not run["is_change"]:
        return "done before"
    tasks = run["tasks"]
    return f"{tasks} task{'s' if tasks != 1 else ''}" if tasks else "done"


@click.command(epilog="Example: orchestrator tasks sample_dag")
@click.argument("run", metavar="[RUN|DAG]", required=False, shell_complete=complete_run)
@click.option("--state", type=click.Choice([str(state) for state in TaskState]))
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@installation_options
@format_option
def tasks(client: Client, run: str | None, state: str | None, limit: int, format_: str) -> None:
    """List the tasks of a run, or the newest of all runs.

    A DAG stands for its latest run.
    """
    if run:
        of_run = find_run(client, run)["task_instances"]
        rows = iter([row for row in of_run if state in (None, row["state"])][:limit])
    else:
        rows = client.items("/api/task_instances", "task_instances", limit=limit, state=state)
    columns = TASK_COLUMNS if run else (RUN_OF_TASK, *TASK_COLUMNS)
    _print(rows, columns, "no tasks", format_)


RUN_OF_TASK = Column("RUN", lambda row: row["run_id"])


def _print(rows: Any, columns: tuple[Column, ...], empty: str, format_: str) -> None:
    if format_ == "json":
        print_json(list(rows))
    else:
        print_rows(columns, rows, empty=empty)
