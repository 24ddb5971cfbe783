"""Prints the next fire times of a DAG."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from chalicelib.cli import times
from chalicelib.cli.client import Client, part
from chalicelib.cli.dag_paths import refuse_test_file
from chalicelib.cli.failure import FAILED, USAGE, CliFailure
from chalicelib.cli.installation import connect, installation_flags
from chalicelib.cli.lookup import complete_dag, find_dag
from chalicelib.cli.output import format_option, print_json
from chalicelib.dag.language.parser import parse
from chalicelib.dag.schedule.fire_times import fire_times
from chalicelib.dag_files import SUFFIXES

MOST_OF_DAG = 100


@click.command("next", epilog="Example: orchestrator next examples/office_hours.yaml --count 3")
@click.argument("dag", metavar="FILE|DAG", shell_complete=complete_dag)
@click.option("--count", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--after", help="A date or time instead of now.")
@installation_flags
@format_option
def next_command(
    dag: str,
    count: int,
    after: str | None,
    url: str | None,
    token: str | None,
    profile: str | None,
    format_: str,
) -> None:
    """Print the next fire times of a DAG file or a registered DAG."""
    is_path = dag.endswith(SUFFIXES) or "/" in dag
    if is_path and not Path(dag).is_file():
        raise CliFailure(f"{dag}: no such file", USAGE)
    if is_path or Path(dag).is_file():
        refuse_test_file(Path(dag))
        timezone, moments = _of_file(Path(dag), count, after)
    else:
        timezone, moments = _of_dag(connect(url, token, profile), dag, count)
    if not moments:
        raise CliFailure(f"{dag} has no fire time left", FAILED)
    if format_ == "json":
        print_json([moment.isoformat() for moment in moments])
        return
    for moment in moments:
        click.echo(moment.astimezone(ZoneInfo(timezone)).strftime("%a %Y-%m-%d %H:%M:%S %Z"))


def _of_file(path: Path, count: int, after: str | None) -> tuple[str, list[datetime]]:
    dag = parse(path.read_bytes(), file_name=str(path))
    start = times.parse(times.instant(after, dag.timezone)) if after else datetime.now(UTC)
    return dag.timezone, fire_times(dag, start, count)


def _of_dag(client: Client, dag_id: str, count: int) -> tuple[str, list[datetime]]:
    if count > MOST_OF_DAG:
        raise CliFailure(f"of a registered DAG, --count is at most {MOST_OF_DAG}", USAGE)
    find_dag(client, dag_id)
    answer = client.get(f"/api/dags/{part(dag_id)}/next", count=count)
    return answer["timezone"], [times.parse(text) for text in answer["next_fire_times"]]
