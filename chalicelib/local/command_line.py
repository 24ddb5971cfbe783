"""What was asked of the chalice command line: is this process the one that serves `chalice local`,
and where?

The app's module is imported by every chalice command, and under the reloader there are two
processes with the same command line. Chalice keeps its options in a click context that only the
main thread can see, and the app may be imported by another, so its own parser reads the command
line again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORKER = "CHALICE_WORKER"
"""Set by chalice in the process that the reloader starts, the one that serves."""


@dataclass(frozen=True, slots=True)
class Serving:
    """The options of `chalice local` that matter here. `reloaded`: a reloader watches this
    process."""

    host: str
    port: int
    reloaded: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def what_is_served(
    argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> Serving | None:
    """None in a process that does not serve: another command, the reloader itself, a test."""
    if "chalice.cli" not in sys.modules:
        return None
    argv = sys.argv if argv is None else argv
    environ = os.environ if environ is None else environ
    options = options_of("local", argv)
    if options is None or (options["autoreload"] and WORKER not in environ):
        return None
    return Serving(options["host"], options["port"], options["autoreload"])


def options_of(asked: str, argv: Sequence[str]) -> dict[str, Any] | None:
    """The options of the chalice command `asked`, by name; None if `argv` asks for another."""
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
