"""What commands print: for people on a terminal, for programs everywhere else.

A list is a table on a terminal and tab-separated lines without one; `--format json` prints what the
API answered. Colours follow https://no-color.org: none with NO_COLOR, in a pipe or on a dumb
terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from chalicelib.cli.failure import CliFailure
from chalicelib.enums import PreviewKind

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

F = TypeVar("F", bound=Callable[..., Any])

STATE_COLOURS: Mapping[str, str] = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "yellow",
    "running": "cyan",
    "queued": "blue",
    "up_for_retry": "magenta",
    "up_for_reschedule": "magenta",
    "cancelled": "yellow",
    "skipped": "bright_black",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, and the text of a row in it. On a narrow terminal `is_wide`
    columns are shortened first, then `is_minor` ones are left out, from the right."""

    title: str
    text: Callable[[Any], str]
    is_wide: bool = False
    is_minor: bool = False
    is_state: bool = False


def format_option(function: F) -> F:
    """Adds `--format text|json`, as the argument `format_`."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print the answer.",
    )(function)


def print_json(value: Any) -> None:
    """Print a value as JSON, indented on a terminal."""
    indent = 2 if sys.stdout.isatty() else None
    click.echo(json.dumps(value, indent=indent, ensure_ascii=False))


def print_rows(columns: Sequence[Column], rows: Iterable[Any], *, empty: str) -> None:
    """Print a list; on a terminal, `empty` if it has no rows."""
    rows = list(rows)
    if not sys.stdout.isatty():
        click.echo("\t".join(column.title for column in columns))
        for row in rows:
            click.echo("\t".join(_one_line(column.text(row)) for column in columns))
        return
    if not rows:
        click.echo(empty)
        return
    _print_table(columns, rows)


SHORTEST = 16
"""Characters that a wide column keeps while minor columns can be left out."""
NARROWEST = 8
"""Characters that it keeps in any case, so that the others stay whole."""
GAP = 2


def _print_table(columns: Sequence[Column], rows: Sequence[Any]) -> None:
    terminal = console()
    terminal.print(fitted_table(columns, rows, terminal))


def fitted_table(columns: Sequence[Column], rows: Sequence[Any], terminal: Console) -> Table:
    """A table as wide as the terminal at most."""
    from rich.table import Table
    from rich.text import Text

    texts = {column: [_one_line(column.text(row)) for row in rows] for column in columns}
    shown = _fitting(texts, terminal.width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for column, width in shown.items():
        table.add_column(column.title, no_wrap=True, overflow="ellipsis", width=width)
    for number in range(len(rows)):
        cells = [
            Text(texts[column][number], _style(column, texts[column][number])) for column in shown
        ]
        table.add_row(*cells)
    return table


def _style(column: Column, text: str) -> str:
    return STATE_COLOURS.get(text, "") if column.is_state else ""


def _fitting(texts: Mapping[Column, Sequence[str]], width: int) -> dict[Column, int]:
    """The columns that fit into the width, with the width of each."""
    natural = {column: max(len(column.title), *map(len, cells)) for column, cells in texts.items()}
    shown = {column: natural[column] for column in texts if any(texts[column])} or natural
    for column in reversed(list(shown)):
        if _total(shown, at_least=True) > width and column.is_minor:
            del shown[column]
    wide = [column for column in shown if column.is_wide]
    for column in wide:
        rest = _total(shown) - shown[column]
        shown[column] = max(min(shown[column], width - rest), min(shown[column], NARROWEST))
    return shown


def _total(widths: Mapping[Column, int], *, at_least: bool = False) -> int:
    """The width of the table; with `at_least`, with its wide columns as short as they may be."""
    shortest = (
        min(width, SHORTEST) if at_least and column.is_wide else width
        for column, width in widths.items()
    )
    return sum(shortest) + GAP * len(widths)


def print_preview(preview: Mapping[str, Any], name: str, format_: str) -> None:
    """Print the beginning of a file as the API answers it. Raises CliFailure if it is no text."""
    if format_ == "json":
        print_json(preview)
        return
    if preview["kind"] in (PreviewKind.IMAGE, PreviewKind.NONE):
        reason = preview["reason"] or f"it is {preview['media_type']}, which no terminal shows"
        raise CliFailure(f"{name} cannot be printed: {reason}")
    text = preview["content"]
    click.echo(text, nl=sys.stdout.isatty() and not text.endswith("\n"))
    if preview["is_truncated"]:
        click.echo("this is only the beginning", err=True)


def print_fields(fields: Mapping[str, str]) -> None:
    """Print names and values, one per line, without those that are empty."""
    shown = {name: text for name, text in fields.items() if text}
    width = max(map(len, shown), default=0)
    for name, text in shown.items():
        first, *more = text.splitlines()
        click.echo(f"{name:<{width}}  {first}")
        for line in more:
            click.echo(f"{'':<{width}}  {line}")


def state_text(state: str) -> str:
    """The state, coloured on a terminal."""
    return coloured(state, STATE_COLOURS.get(state))


def coloured(text: str, colour: str | None) -> str:
    """The text in this colour, if the terminal takes colours."""
    return click.style(text, fg=colour) if has_colours() else text


def silence_logs() -> None:
    """Print no log lines of the scheduler and the executor until the command ends."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    click.get_current_context().call_on_close(lambda: logging.disable(before))


def has_colours() -> bool:
    """Whether stdout takes colours."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def console() -> Console:
    """A rich console on stdout. Without colours it writes no other style either, such as bold."""
    from rich.console import Console

    colours: Literal["auto"] | None = "auto" if has_colours() else None
    return Console(color_system=colours, highlight=False, soft_wrap=False)


def _one_line(text: str) -> str:
    return " ".join(text.split()) if ("\n" in text or "\t" in text) else text
