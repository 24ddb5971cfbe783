"""What every verb that changes something does first: show its reach, and ask."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from chalicelib.cli.failure import FAILED, CliFailure
from chalicelib.cli.output import print_json

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Change:
    """The options `--dry-run` and `--yes` of one call, and how to print."""

    is_dry_run: bool
    is_confirmed: bool
    format: str

    def announce(self, reach: Sequence[str], value: Any = None) -> bool:
        """Show what changes, one line each. Returns whether to go on: not for a dry run. Asks on a
        terminal, and raises CliFailure if the answer is no. `value` is the reach as JSON."""
        if self.is_dry_run:
            if self.format == "json":
                print_json({"reach": list(reach)} if value is None else value)
            else:
                click.echo("\n".join(reach))
            return False
        if self.is_confirmed or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return True
        click.echo("\n".join(reach), err=True)
        if not click.confirm("Go on?", err=True):
            raise CliFailure("nothing was changed", FAILED)
        return True


def change_options(function: F) -> F:
    """Adds `--dry-run`, `--yes` and `--format`, and passes them as the argument `change`."""

    @click.option("--dry-run", is_flag=True, help="Only show what would change.")
    @click.option("--yes", "-y", is_flag=True, help="Do not ask.")
    @click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        help="How to print the answer.",
    )
    @functools.wraps(function)
    def command(*args: Any, dry_run: bool, yes: bool, format_: str, **kwargs: Any) -> Any:
        return function(*args, change=Change(dry_run, yes, format_), **kwargs)

    return command  # type: ignore[return-value]


def print_change(change: Change, value: Any, text: str) -> None:
    """Print what a change answered: as JSON, or in a line."""
    if change.format == "json":
        print_json(value)
    else:
        click.echo(text)
