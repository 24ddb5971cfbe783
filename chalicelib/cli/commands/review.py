"""Says what a change to DAG files means."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from chalicelib.cli.commands.simulate import forecast, period
from chalicelib.cli.failure import FAILED, CliFailure
from chalicelib.cli.forecast import findings
from chalicelib.cli.forecast import review as reviews
from chalicelib.cli.output import silence_logs


@click.command(epilog="Example: orchestrator review --base origin/main dags/")
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--base", required=True, metavar="REV|DIR", help="Revision of git, or a folder.")
@click.option("--durations", help="As of simulate, for the cost.")
def review(path: Path, base: str, durations: str | None) -> int:
    """Say what a change to DAG files means, as Markdown.

    Exit code 1 if a file is invalid.
    """
    silence_logs()
    after = reviews.read(path)
    with reviews.base_of(base, path) as folder:
        before = reviews.read(folder)
        costs = (_usd(folder, before, durations), _usd(path, after, durations))
    click.echo(reviews.markdown(before, after, datetime.now(UTC), costs), nl=False)
    return FAILED if after.problems else 0


def _usd(path: Path, folder: reviews.Folder, durations: str | None) -> float:
    """USD a month, as far as the files are valid."""
    files = tuple(path / name if path.is_dir() else path for name in folder.files.values())
    begins, ends = period(None, None)
    try:
        history = forecast(files, begins, ends, durations, {}) if files else None
    except CliFailure:  # said by the problems
        history = None
    return sum(findings.monthly_usd(history).values()) if history is not None else 0.0
