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
    "Without an installation": (
        Verb("validate", "validate", "Check DAG files, and all in folders"),
        Verb("run", "run", "Run a DAG file here and now, without an installation"),
        Verb("test", "test", "Test DAG files by the NAME.test.yaml files beside them"),
        Verb("simulate", "simulate", "Show what would run when, and what would wait"),
        Verb("review", "review", "Say what a change to DAG files means, as Markdown"),
        Verb("next", "next_times", "Print the next fire times of a DAG file or a registered DAG"),
        Verb("new", "starters", "Write a DAG file to start from"),
        Verb("schema", "starters", "Print the JSON Schema of DAG files, for editors"),
        Verb("convert", "starters", "Convert other schedules into DAG files"),
    ),
    "With an installation": (
        Verb("dags", "dags", "List the registered DAGs"),
        Verb("show", "show", "Show a DAG and its runs, or a run and its tasks"),
        Verb("trigger", "trigger", "Start a run of a DAG"),
        Verb("runs", "runs", "List runs, newest first"),
        Verb("tasks", "runs", "List the tasks of a run, or the newest of all runs"),
        Verb("logs", "logs", "Print the log of a task, or all logs of a run"),
        Verb("artifacts", "artifacts", "List, show and download the files that tasks left"),
        Verb("why", "show", "Explain why a run or a task failed, or what it waits for"),
        Verb("cancel", "changes", "Cancel a run, or one task of it"),
        Verb("clear", "changes", "Run tasks of a run again; without tasks, all of them"),
        Verb("retry", "changes", "Run the unsuccessful tasks of an ended run again"),
        Verb("rerun", "changes", "Start a new run with the params of an earlier one"),
        Verb("mark", "changes", "Set the state of a task that is not running"),
        Verb("note", "changes", "Change the note of a run; an empty text removes it"),
        Verb("ack", "changes", "Acknowledge failed runs, so that they need no attention"),
        Verb("pause", "schedules", "Pause the schedule of a DAG"),
        Verb("unpause", "schedules", "Resume the schedule of a DAG, with its next fire time"),
        Verb("backfill", "schedules", "Run a DAG for every fire time in a range of dates"),
        Verb("pools", "pools", "Limits on concurrent tasks, shared by DAGs"),
        Verb("push", "files", "Check DAG files, upload them, and wait until they are registered"),
        Verb("pull", "files", "Print the file of a DAG, exactly as it was uploaded"),
        Verb("rm", "files", "Delete the file of a DAG, and wait until the DAG is removed"),
        Verb("files", "dag_files", "List and show the files that a DAG brings along"),
        Verb("errors", "operations", "List the files that could not be registered, and why"),
        Verb("ticks", "operations", "List what the scheduler did lately"),
        Verb("audit", "operations", "List who changed what"),
        Verb("notifications", "operations", "List notifications, sent and pending"),
        Verb("workers", "workers", "List the workers and their queues"),
        Verb("token", "tokens", "Create, list or revoke access tokens"),
        Verb("resend", "operations", "Send a notification again"),
        Verb("health", "operations", "Show whether the orchestrator works"),
        Verb("top", "top", "Show live what runs and what waits"),
    ),
    "On AWS, and on machines of your own": (
        Verb("deploy", "stages", "Install or update a stage on AWS"),
        Verb("status", "stages", "Show what is installed on AWS and whether it works"),
        Verb("backup", "stages", "Back up the database of a stage"),
        Verb("backups", "stages", "List the backups of a stage"),
        Verb("restore", "stages", "Restore the database of a stage"),
        Verb("down", "stages", "Remove a stage from AWS"),
        Verb("cost", "stages", "Estimate the monthly bill"),
        Verb("permissions", "stages", "Print the IAM policies that installing needs"),
        Verb("queue", "stages", "Create, list or delete the queues of workers"),
        Verb("worker", "stages", "Run the tasks of a queue on this machine"),
    ),
    "This command": (
        Verb("profile", "profiles", "Remember installations by name"),
        Verb("completion", "profiles", "Print the completion of bash, zsh or fish"),
    ),
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
