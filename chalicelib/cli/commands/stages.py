"""Installs, shows and removes a stage on AWS, and runs a worker: the commands of `python -m infra`
and `python -m chalicelib.worker` under one name."""

from __future__ import annotations

import io
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr

import click

from chalicelib.cli.failure import USAGE, CliFailure

PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def _stage(name: str, summary: str, example: str) -> click.Command:
    """A command that passes its words on to `python -m infra NAME`."""

    def run(words: tuple[str, ...]) -> int:
        from infra.__main__ import main, parser

        _check(parser(), [name, *words], name)
        return main([name, *words])

    return _passing_on(name, summary, example, f"python -m infra {name} --help", run)


def _check(parser: ArgumentParser, words: Sequence[str], name: str) -> None:
    """Raise CliFailure for words that the program does not take: one line instead of its usage."""
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            parser.parse_args(words)
    except SystemExit as end:
        if not end.code:
            raise
        problem = said.getvalue().strip().rpartition(": error: ")[2]
        raise CliFailure(f"{problem} (see orchestrator {name} --help)", USAGE) from None


def _passing_on(
    name: str, summary: str, example: str, options: str, run: Callable[[tuple[str, ...]], int]
) -> click.Command:
    def callback(words: tuple[str, ...]) -> int:
        return run(words)

    return click.Command(
        name,
        context_settings=PASS_ON,
        params=[click.Argument(["words"], nargs=-1, metavar="[OPTIONS]", type=click.UNPROCESSED)],
        callback=callback,
        help=f"{summary}.\n\nAll options: {options}",
        epilog=f"Example: {example}",
    )


deploy = _stage(
    "deploy", "Install or update a stage on AWS", "orchestrator deploy --stage prod --network ipv6"
)
status = _stage(
    "status",
    "Show what is installed on AWS and whether it works",
    "orchestrator status --stage prod --self-test",
)
backup = _stage("backup", "Back up the database of a stage", "orchestrator backup --stage prod")
backups = _stage("backups", "List the backups of a stage", "orchestrator backups --stage prod")
restore = _stage("restore", "Restore the database of a stage", "orchestrator restore --stage prod")
down = _stage("down", "Remove a stage from AWS", "orchestrator down --stage prod")
cost = _stage("cost", "Estimate the monthly bill", "orchestrator cost --tasks 100000")
permissions = _stage(
    "permissions",
    "Print the IAM policies that installing needs",
    "orchestrator permissions --stage prod --account 111122223333 --region eu-central-1",
)
queue = _stage(
    "queue",
    "Create, list or delete the queues of workers",
    "orchestrator queue create gpu --stage prod",
)


def _work(words: tuple[str, ...]) -> int:
    from chalicelib.worker.command_line import main, parser

    _check(parser(), words, "worker")
    return main(list(words))


worker = _passing_on(
    "worker",
    "Run the tasks of a queue on this machine",
    "orchestrator worker --queue gpu --parallelism 2",
    "python -m chalicelib.worker --help",
    _work,
)
