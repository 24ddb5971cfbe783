"""Reads Chalice's command line: does this process serve `chalice local`, and at which address?

Every chalice command imports app.py, and under the reloader two processes have the same command
line. Chalice keeps its options in a click context that only the main thread sees, and another
thread may import the app, so the command line is parsed again with Chalice's own parser.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORKER = "CHALICE_WORKER"
"""Set by Chalice in the process that the reloader starts, which is the one that serves."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of `chalice local` that matter here. `reloaded`: a reloader restarts this
    process."""

    host: str
    port: int
    reloaded: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def serve_options(
    argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> ServeOptions | None:
    """Returns None in a process that does not serve: another command, the reloader, a test."""
    if "chalice.cli" not in sys.modules:
        return None
    argv = sys.argv if argv is None else argv
    environ = os.environ if environ is None else environ
    options = options_of("local", argv)
    if options is None or (options["autoreload"] and WORKER not in environ):
        return None
    return ServeOptions(options["host"], options["port"], options["autoreload"])


def options_of(asked: str, argv: Sequence[str]) -> dict[str, Any] | None:
    """Returns the options of the chalice command `asked` by name, or None if `argv` is another
    command."""
    import click
    from chalice.cli import cli

    try:
        group = click.Context(cli, resilient_parsing=True)
        _, rest, _ = cli.make_parser(group).parse_args(list(argv[1:]))
        if rest[:1] != [asked]:
            return None
        name, command, rest = cli.resolve_command(group, rest)
        if command is None:
            return None
        return dict(command.make_context(name, rest, parent=group, resilient_parsing=True).params)
    except click.ClickException:
        return None
