"""The reference of the command line, as its own `--help` prints it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from chalicelib.cli.main import PROGRAM, root
from chalicelib.cli.verbs import SECTIONS

WIDTH = 100


def reference_markdown() -> str:
    """A section for each verb, by the table of verbs."""
    return "\n\n".join(_lines())


def _lines() -> Iterator[str]:
    for title, verbs in SECTIONS.items():
        yield f"## {title}"
        for verb in verbs:
            yield f"### {verb.name}"
            yield _help(verb.load(), f"{PROGRAM} {verb.name}")


def _help(command: click.Command, path: str) -> str:
    ctx = _context(command, path)
    command._help_option = None  # click keeps the one of the first call, whoever's it was
    text = f"```text\n{command.get_help(ctx).strip()}\n```"
    if isinstance(command, click.Group):
        more = [_help(inner, f"{path} {name}") for name, inner in command.commands.items()]
        return "\n\n".join([text, *more])
    return text


def _context(command: click.Command, path: str) -> click.Context:
    return click.Context(
        command,
        info_name=path,
        max_content_width=WIDTH,
        terminal_width=WIDTH,
        help_option_names=["-h", "--help"],
    )


def usage() -> str:
    """The help of the program itself."""
    ctx = _context(root, PROGRAM)
    return f"```text\n{root.get_help(ctx).strip()}\n```"
