"""The table of verbs, and the group that loads a verb's module only when the verb is used."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass

import click

from chalicelib.cli.failure import nearest


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `module` is in `commands` and has a click command of the verb's name, with `_` for
    `-`, or of the name with `_command` after it where that is a word of Python's."""

    name: str
    module: str
    summary: str

    def load(self) -> click.Command:
        module = importlib.import_module(f"chalicelib.cli.commands.{self.module}")
        name = self.name.replace("-", "_")
        command = getattr(module, f"{name}_command", None) or getattr(module, name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module.__name__}.{name} is no command")
        return command


SECTIONS: dict[str, tuple[Verb, ...]] = {
    "With an installation": (Verb("dags", "dags", "List the registered DAGs"),),
}

VERBS: dict[str, Verb] = {verb.name: verb for verbs in SECTIONS.values() for verb in verbs}


class VerbGroup(click.Group):
    """Lists the verbs of the table by section, without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in VERBS:
            return VERBS[cmd_name].load()
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            ctx.fail(f"no such command: {name}{nearest(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx  # click passes it
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(_rows(verbs)))


def _rows(verbs: tuple[Verb, ...]) -> Iterator[tuple[str, str]]:
    yield from ((verb.name, verb.summary) for verb in verbs)
