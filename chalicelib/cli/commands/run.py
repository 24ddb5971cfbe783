"""Runs a DAG file to its end in this process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from chalicelib.cli import times
from chalicelib.cli.commands.trigger import read_params
from chalicelib.cli.dag_paths import refuse_test_file
from chalicelib.cli.failure import FAILED, INTERRUPTED, USAGE, CliFailure, nearest
from chalicelib.cli.local_run.engine import LocalRun, RunPlan
from chalicelib.cli.local_run.log_files import LogFiles
from chalicelib.cli.local_run.shared_files import shared_by_key, shared_of
from chalicelib.cli.local_run.source_folder import SourceFolder
from chalicelib.cli.local_run.view import LineView, summary, view_for
from chalicelib.cli.output import format_option, print_json, silence_logs
from chalicelib.dag.graph import ancestors
from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagFileError
from chalicelib.dag.states import RunState
from chalicelib.scheduler.file_match import match_files

F = TypeVar("F", bound=Callable[..., Any])
SUFFIXES = (".yaml", ".yml")


def _complete_task(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Completes the id of a task of the file."""
    # Click gives up matching arguments at an option without its value, and keeps them here.
    file = ctx.params["file"] or next(iter(ctx.args), "")
    try:
        dag = parse_file(Path(file).read_bytes()).dag
    except (OSError, DagFileError):
        return []
    return [task.id for task in dag.tasks if task.id.startswith(incomplete)]


def task_option(*names: str, **options: Any) -> Callable[[F], F]:
    """An option that takes the id of a task of the file."""
    return click.option(*names, shell_complete=_complete_task, **options)


@click.command(epilog="Example: orchestrator run examples/folder_report.yaml -p folder=/usr/bin")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A param.")
@click.option("--logical-date", help="Instead of now, such as 2026-11-01T06:00Z.")
@task_option("--task", "tasks", multiple=True, metavar="ID", help="Run only this task.")
@task_option("--from", "from_", metavar="ID", help="Run this task and those after it.")
@task_option("--mock", "mocks", multiple=True, metavar="TASK=SCRIPT", help="Run this instead.")
@task_option("--skip", "skipped", multiple=True, metavar="TASK", help="Take it for successful.")
@click.option("--fast", is_flag=True, help="Do not wait between retries and pokes.")
@click.option("--parallelism", type=click.IntRange(1, 64), default=8, show_default=True)
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep its logs and files here."
)
@format_option
def run(
    file: Path,
    params: tuple[str, ...],
    logical_date: str | None,
    tasks: tuple[str, ...],
    from_: str | None,
    mocks: tuple[str, ...],
    skipped: tuple[str, ...],
    *,
    fast: bool,
    parallelism: int,
    keep: Path | None,
    format_: str,
) -> int:
    """Run a DAG file here and now, without an installation.

    With the real scheduler, on a throwaway database. Secrets come from the environment variables
    of the same names. Ctrl-C cancels the run.
    """
    silence_logs()
    dag = _dag(file)
    plan = RunPlan(
        params=read_params(params, [{"name": p.name, "type": p.type} for p in dag.params]),
        logical_date=_date(logical_date, dag),
        mocks=dict(_mock(dag, pair) for pair in mocks),
        skipped=[_known(dag, task) for task in skipped],
        selected=_selected(dag, tasks, from_),
        is_fast=fast,
        parallelism=parallelism,
    )
    with _home(keep) as home:
        view = view_for(dag, is_quiet=format_ == "json")
        dags = SourceFolder(file.parent)
        on_line = view.line if keep is None else LogFiles(home / "logs", view.line).line
        local = LocalRun(
            dag,
            dags,
            file.name,
            home,
            plan,
            on_line,
            is_kept=keep is not None,
            shared=shared_by_key(file, file.name),
        )
        try:
            return _follow(local, view, format_, keep)
        finally:
            local.close()


def _dag(file: Path) -> Dag:
    """Raises CliFailure with every problem of the file and of those that it brings along."""
    refuse_test_file(file)
    if file.suffix not in SUFFIXES:
        raise CliFailure(f"{file} is no DAG file: its name ends with .yaml or .yml", USAGE)
    try:
        parsed = parse_file(file.read_bytes(), shared=shared_of(file))
        problems = match_files(SourceFolder(file.parent), file.name, parsed.file_places).problems
    except DagFileError as error:
        problems = error.problems
    if problems:
        lines = [f"{file}:{p.line}:{p.column}: {p.message}" for p in problems]
        raise CliFailure("\n".join([f"{file} is not valid", *lines]), FAILED)
    return parsed.dag


def _date(text: str | None, dag: Dag) -> datetime | None:
    return times.parse(times.instant(text, dag.timezone)) if text else None


def _known(dag: Dag, task_id: str) -> str:
    known = [task.id for task in dag.tasks]
    if task_id not in known:
        raise CliFailure(f"there is no task {task_id!r}{nearest(task_id, known)}", USAGE)
    return task_id


def _mock(dag: Dag, pair: str) -> tuple[str, str]:
    task_id, equals, script = pair.partition("=")
    if not equals:
        raise CliFailure(f"{pair!r} is no mock: write TASK=SCRIPT", USAGE)
    return _known(dag, task_id), script or "true"


def _selected(dag: Dag, tasks: tuple[str, ...], from_: str | None) -> set[str] | None:
    if not tasks and from_ is None:
        return None
    chosen = {_known(dag, task) for task in tasks}
    if from_ is not None:
        graph = {task.id: task.dependencies for task in dag.tasks}
        first = _known(dag, from_)
        chosen |= {first, *(task for task in graph if first in ancestors(graph, task))}
    return chosen


@contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="orchestrator-run-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise CliFailure(f"{keep} is not empty", USAGE)
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.absolute()


def _follow(local: LocalRun, view: LineView, format_: str, keep: Path | None) -> int:
    local.start()
    is_interrupted = False
    with view:
        while True:
            try:
                goes_on = local.step()
                view.update(local.tasks())
                if not goes_on:
                    break
            except KeyboardInterrupt:
                if is_interrupted:
                    raise
                is_interrupted = True
                click.echo("cancelling; Ctrl-C again kills what runs", err=True)
                local.cancel()
    return _report(local, format_, keep, is_interrupted=is_interrupted)


def _report(local: LocalRun, format_: str, keep: Path | None, *, is_interrupted: bool) -> int:
    ended, tasks = local.run(), local.tasks()
    if format_ == "json":
        print_json(_json(ended, tasks))
    else:
        click.echo(summary(ended, tasks))
        if keep is not None:
            click.echo(f"logs: {keep / 'logs'}", err=True)
    if is_interrupted:
        return INTERRUPTED
    return 0 if ended.state == RunState.SUCCESS else FAILED


def _json(ended: Any, tasks: list[Any]) -> dict[str, Any]:
    return {
        "run_id": ended.run_id,
        "state": ended.state,
        "reason": ended.reason,
        "duration": ended.duration,
        "task_instances": [
            {
                "task_id": row.task_id,
                "map_index": row.map_index,
                "state": row.state,
                "try_number": row.try_number,
                "duration": row.duration,
                "exit_code": row.exit_code,
                "reason": row.reason,
            }
            for row in tasks
        ],
    }
