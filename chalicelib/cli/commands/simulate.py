"""Simulates a folder of DAGs over a period: the real scheduler on a virtual clock."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.failure import USAGE, CliFailure
from chalicelib.cli.forecast import findings, timeline
from chalicelib.cli.forecast import history as histories
from chalicelib.cli.forecast.driver import create, play
from chalicelib.cli.forecast.history import History
from chalicelib.cli.forecast.workload import Succeeds, load, read_durations, upload
from chalicelib.cli.output import Column, print_rows, silence_logs
from chalicelib.scheduler.commands import pools as pool_commands

LONGEST = timedelta(days=80)
"""Retention would remove older runs."""


@click.command(epilog="Example: orchestrator simulate dags/ --to 2026-12-07 --durations 120")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--from", "from_", help="Beginning, such as 2026-11-30. Default: the next midnight.")
@click.option("--to", help="End. Default: a week later.")
@click.option("--durations", help="Seconds of every command, or a file: dag.task: seconds.")
@click.option("--pool", "pools", multiple=True, metavar="NAME=SLOTS", help="Size of a pool.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="html: one page with a timeline.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File.")
def simulate(
    paths: tuple[Path, ...],
    from_: str | None,
    to: str | None,
    durations: str | None,
    pools: tuple[str, ...],
    format_: str,
    output: Path | None,
) -> None:
    """Show what would run when, and what would wait.

    The real scheduler runs on a virtual clock; commands succeed after their time.
    """
    silence_logs()
    begins, ends = period(from_, to)
    history = forecast(paths, begins, ends, durations, dict(_pool(pair) for pair in pools))
    if format_ == "html":
        _write(output, timeline.page(history))
    elif format_ == "json":
        import json

        _write(output, json.dumps(report(history), indent=2) + "\n")
    else:
        _print(history)


def period(from_: str | None, to: str | None) -> tuple[datetime, datetime]:
    """The period to simulate. Raises CliFailure."""
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow += timedelta(days=1)
    begins = times.parse(times.instant(from_, "UTC")).astimezone(UTC) if from_ else tomorrow
    ends = times.parse(times.instant(to, "UTC")).astimezone(UTC) if to else begins + _WEEK
    if not begins < ends <= begins + LONGEST:
        raise CliFailure(f"--to must be within {LONGEST.days} days after --from", USAGE)
    return begins, ends


_WEEK = timedelta(days=7)


def _pool(pair: str) -> tuple[str, int]:
    name, _, slots = pair.partition("=")
    if not slots.isdecimal():
        raise CliFailure(f"{pair!r} is no pool: write NAME=SLOTS", USAGE)
    return name, int(slots)


def forecast(
    paths: tuple[Path, ...],
    begins: datetime,
    ends: datetime,
    durations: str | None,
    pools: dict[str, int],
) -> History:
    """Simulate the DAG files. Raises CliFailure."""
    files = load(paths)
    script = Succeeds([file.dag for file in files], read_durations(durations))
    with tempfile.TemporaryDirectory(prefix="orchestrator-simulate-") as folder:
        system = create(Path(folder), script, begins)
        try:
            for name, slots in pools.items():
                pool_commands.put_pool(system.scheduler, name, slots, who="simulate")
            for file in files:
                upload(system, file)
            play(system, ends)
            return histories.read(system, [file.dag for file in files], begins, ends)
        finally:
            system.close()


def report(history: History) -> dict[str, Any]:
    """The findings as JSON."""
    return {
        "from": history.begins.isoformat(),
        "to": history.ends.isoformat(),
        "runs": len(history.runs),
        "tasks": len(history.started),
        "most_at_once": findings.most_at_once(history),
        "dags": [asdict(row) for row in findings.by_dag(history)],
        "busiest_minutes": [
            {"at": row.at.isoformat(), "tasks": row.tasks, "dag_ids": list(row.dag_ids)}
            for row in findings.busiest_minutes(history)
        ],
        "waits": [
            {**asdict(wait), "since": wait.since.isoformat()}
            for wait in sorted(history.waits, key=lambda wait: -wait.seconds)[:1000]
        ],
        "usd_per_month": {
            name: round(usd, 2) for name, usd in findings.monthly_usd(history).items()
        },
    }


COLUMNS = (
    Column("DAG", lambda row: row.dag_id),
    Column("RUNS", lambda row: str(row.runs)),
    Column("TASKS", lambda row: str(row.tasks)),
    Column("FAILED", lambda row: str(row.failed_runs or ""), is_minor=True),
    Column("LONGEST RUN", lambda row: times.duration(row.longest_run or None)),
    Column("LONGEST WAIT", lambda row: times.duration(row.longest_wait or None)),
    Column("FOR", lambda row: row.limit),
    Column("OVERLAPS", lambda row: str(row.overlaps or ""), is_minor=True),
    Column("MISSED", lambda row: str(row.missed or "")),
)


def _print(history: History) -> None:
    click.echo(
        f"{history.begins:%Y-%m-%d %H:%M} to {history.ends:%Y-%m-%d %H:%M} UTC:"
        f" {len(history.runs)} runs, {len(history.started)} tasks,"
        f" at most {findings.most_at_once(history)} at once\n"
    )
    print_rows(COLUMNS, findings.by_dag(history), empty="no DAGs")
    click.echo("\nbusiest minutes")
    for row in findings.busiest_minutes(history):
        click.echo(f"  {row.at:%a %Y-%m-%d %H:%M}  {row.tasks} tasks  {', '.join(row.dag_ids)}")
    costs = findings.monthly_usd(history)
    click.echo(f"\nUSD a month at this rate: {sum(costs.values()):.2f}")
    for service, usd in costs.items():
        click.echo(f"  {usd:8.2f}  {service}")


def _write(output: Path | None, text: str) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(output)
