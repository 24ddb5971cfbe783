"""Changes runs and tasks: cancel, clear, retry, rerun, mark, note, ack."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.change import Change, change_options, print_change
from chalicelib.cli.client import Client, part
from chalicelib.cli.commands.show import task_name
from chalicelib.cli.failure import FAILED, USAGE, CliFailure
from chalicelib.cli.installation import installation_options
from chalicelib.cli.lookup import complete_run, complete_task, find_run, find_task
from chalicelib.dag.states import TASK_ENDED
from chalicelib.enums import Mark, words

run_argument = click.argument("run", metavar="RUN|DAG", shell_complete=complete_run)
LATEST = click.option(
    "--latest-version/--own-version",
    "latest",
    default=None,
    help="With the DAG's latest version, or the run's own. Default: as the DAG says.",
)


@click.command(epilog="Example: orchestrator cancel sample_dag")
@run_argument
@click.argument("task", required=False, shell_complete=complete_task)
@click.option("--map-index", type=int, help="Instance of a mapped task.")
@installation_options
@change_options
def cancel(
    client: Client, run: str, task: str | None, map_index: int | None, change: Change
) -> None:
    """Cancel a run, or one task of it."""
    target = find_run(client, run)
    rows = [find_task(target, task, map_index)] if task else target["task_instances"]
    active = [row for row in rows if row["state"] not in TASK_ENDED]
    what = f"the task {task} of {target['run_id']}" if task else f"the run {target['run_id']}"
    reach = [f"cancels {what}", *(f"  {task_name(row)}: {row['state']}" for row in active)]
    if not change.announce(reach):
        return
    path = f"/api/runs/{part(target['run_id'])}"
    if task:
        body = {"map_index": rows[0]["map_index"]}
        answer = client.post(f"{path}/tasks/{part(task)}/cancel", body)
    else:
        answer = client.post(f"{path}/cancel")
    print_change(change, answer, f"cancelled: {what}")


@click.command(epilog="Example: orchestrator clear sample_dag task1 --downstream")
@run_argument
@click.argument("tasks", nargs=-1, shell_complete=complete_task)
@click.option("--only-failed", is_flag=True, help="Of these tasks, only those that failed.")
@click.option("--downstream", is_flag=True, help="Also the tasks that depend on them.")
@LATEST
@installation_options
@change_options
def clear(
    client: Client,
    run: str,
    tasks: tuple[str, ...],
    *,
    only_failed: bool,
    downstream: bool,
    latest: bool | None,
    change: Change,
) -> None:
    """Run tasks of a run again; without tasks, all of them.

    Their earlier attempts stay in the history.
    """
    target = find_run(client, run)
    for task in tasks:
        _check_task(target, task)
    body: dict[str, Any] = {
        "only_failed": only_failed,
        "downstream": downstream,
        "run_on_latest_version": latest,
    }
    if tasks:
        body["task_ids"] = list(tasks)
    _clear(client, target, "clear", body, change)


@click.command(epilog="Example: orchestrator retry sample_dag")
@run_argument
@LATEST
@installation_options
@change_options
def retry(client: Client, run: str, latest: bool | None, change: Change) -> None:
    """Run the unsuccessful tasks of an ended run again."""
    target = find_run(client, run)
    _clear(client, target, "retry", {"run_on_latest_version": latest}, change)


def _check_task(run: dict[str, Any], task: str) -> None:
    """Raise CliFailure for an unknown task; all instances of a mapped one are meant."""
    first = next((row for row in run["task_instances"] if row["task_id"] == task), None)
    find_task(run, task, first["map_index"] if first else None)


def _clear(
    client: Client, run: dict[str, Any], action: str, body: dict[str, Any], change: Change
) -> None:
    path = f"/api/runs/{part(run['run_id'])}/{action}"
    body = {name: value for name, value in body.items() if value is not None}
    plan = client.post(path, {**body, "dry_run": True})
    if not plan["task_instances"]:
        raise CliFailure(f"the run {run['run_id']} has no such task to run again", FAILED)
    if not change.announce(_plan_lines(run, plan), plan):
        return
    answer = client.post(path, body)
    text = f"{run['run_id']}: {len(answer['task_instances'])} tasks run again"
    print_change(change, answer, text)


def _plan_lines(run: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    lines = [f"runs again in {run['run_id']}, with version {plan['version']}:"]
    lines += [f"  {task_name(row)}: {row['state']}" for row in plan["task_instances"]]
    if plan["version"] != plan["run_version"]:
        lines.append(f"  the run took version {plan['run_version']} before")
    if plan["has_import_error"]:
        lines.append("  the latest file is invalid: the last valid version is used")
    return lines


@click.command(epilog="Example: orchestrator rerun sample_dag")
@run_argument
@installation_options
@change_options
def rerun(client: Client, run: str, change: Change) -> None:
    """Start a new run with the params of an earlier one."""
    target = find_run(client, run)
    reach = [f"starts a run of {target['dag_id']} with the params of {target['run_id']}"]
    if change.announce(reach):
        answer = client.post(f"/api/runs/{part(target['run_id'])}/rerun")
        print_change(change, answer, answer["run_id"])


@click.command(epilog="Example: orchestrator mark sample_dag task1 success")
@run_argument
@click.argument("task", shell_complete=complete_task)
@click.argument("state", type=click.Choice(list(words(Mark))))
@click.option("--map-index", type=int, help="Instance of a mapped task.")
@installation_options
@change_options
def mark(
    client: Client, run: str, task: str, state: str, map_index: int | None, change: Change
) -> None:
    """Set the state of a task that is not running."""
    target = find_run(client, run)
    row = find_task(target, task, map_index)
    reach = [f"marks {task_name(row)} of {target['run_id']}, now {row['state']}, as {state}"]
    if change.announce(reach):
        path = f"/api/runs/{part(target['run_id'])}/tasks/{part(task)}/mark"
        answer = client.post(path, {"state": state, "map_index": row["map_index"]})
        print_change(change, answer, f"{task_name(row)}: {state}")


@click.command(epilog='Example: orchestrator note sample_dag "the source was late"')
@run_argument
@click.argument("text")
@installation_options
@change_options
def note(client: Client, run: str, text: str, change: Change) -> None:
    """Change the note of a run; an empty text removes it."""
    target = find_run(client, run)
    before = f", now {target['note']!r}" if target["note"] else ""
    if change.announce([f"sets the note of {target['run_id']}{before}"]):
        path = f"/api/runs/{part(target['run_id'])}"
        answer = client.request("PATCH", path, body={"note": text or None})
        print_change(change, answer, f"{target['run_id']}: {answer['note'] or 'no note'}")


@click.command(epilog='Example: orchestrator ack sample_dag --note "the source was late"')
@click.argument("runs", metavar="RUN|DAG...", nargs=-1, required=True, shell_complete=complete_run)
@click.option("--note", help="What is known about the failure.")
@click.option("--undo", is_flag=True, help="Withdraw the acknowledgement.")
@installation_options
@change_options
def ack(
    client: Client, runs: tuple[str, ...], note: str | None, *, undo: bool, change: Change
) -> None:
    """Acknowledge failed runs, so that they need no attention.

    One that is run again and fails needs it again.
    """
    targets = [find_run(client, run) for run in runs]
    wrong = [run["run_id"] for run in targets if run["state"] != "failed"]
    if wrong and not undo:
        raise CliFailure(f"these runs did not fail: {', '.join(wrong)}", USAGE)
    word = "withdraws the acknowledgement of" if undo else "acknowledges"
    if not change.announce([f"{word} {run['run_id']}: {run['reason']}" for run in targets]):
        return
    ids = [run["run_id"] for run in targets]
    if undo:
        answers = [
            client.request("DELETE", f"/api/runs/{part(run_id)}/acknowledge") for run_id in ids
        ]
        print_change(change, answers, f"withdrawn: {', '.join(ids)}")
        return
    answer = client.post("/api/runs/acknowledge", {"run_ids": ids, "note": note})
    changed = ", ".join(answer["run_ids"]) or "nothing: all were acknowledged before"
    print_change(change, answer, f"acknowledged: {changed}")
