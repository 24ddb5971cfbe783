"""Manages the profiles of installations, and the shell's completion."""

from __future__ import annotations

import sys
from dataclasses import replace

import click
from click.shell_completion import get_completion_class

from chalicelib.cli import profile as profiles
from chalicelib.cli.failure import USAGE, CliFailure, nearest
from chalicelib.cli.installation import complete_profile
from chalicelib.cli.output import Column, format_option, print_json, print_rows
from chalicelib.cli.profile import Profile, Profiles


@click.group(epilog="Example: orchestrator profile add prod https://example.org")
def profile() -> None:
    """Remember installations by name."""


@profile.command("add", epilog="Example: orchestrator profile add prod https://example.org")
@click.argument("name")
@click.argument("url")
@click.option("--token", default="", help="Access token; - reads it from stdin.")
@click.option("--iam", is_flag=True, help="Sign requests with AWS credentials.")
@click.option("--default", "is_default", is_flag=True, help="Use it where none is named.")
def add(name: str, url: str, token: str, *, iam: bool, is_default: bool) -> None:
    """Add a profile, or replace it."""
    if not url.startswith(("http://", "https://")):
        raise CliFailure(f"{url} is no URL: it begins with http:// or https://", USAGE)
    if token == "-":  # noqa: S105 - the word for stdin
        token = sys.stdin.readline().strip()
    auth = "iam" if iam else "token" if token else "none"
    stored = profiles.load()
    by_name = {**stored.by_name, name: Profile(url.rstrip("/"), token, auth)}
    default = name if is_default or not stored.by_name else stored.default
    file = profiles.save(Profiles(by_name, default))
    click.echo(f"{name}: {url}, in {file}")


@profile.command("list", epilog="Example: orchestrator profile list")
@format_option
def list_(format_: str) -> None:
    """List the profiles, without their tokens."""
    stored = profiles.load()
    rows = [
        {
            "name": name,
            "url": row.url,
            "auth": row.auth,
            "is_default": name == stored.default,
        }
        for name, row in stored.by_name.items()
    ]
    if format_ == "json":
        print_json(rows)
        return
    columns = (
        Column("PROFILE", lambda row: row["name"]),
        Column("URL", lambda row: row["url"], is_wide=True),
        Column("AUTH", lambda row: row["auth"]),
        Column("DEFAULT", lambda row: "yes" if row["is_default"] else ""),
    )
    print_rows(columns, rows, empty="no profiles")


@profile.command("use", epilog="Example: orchestrator profile use prod")
@click.argument("name", shell_complete=complete_profile)
def use(name: str) -> None:
    """Use a profile where none is named."""
    stored = profiles.load()
    stored.find(name)
    profiles.save(replace(stored, default=name))
    click.echo(f"{name}: the default")


@profile.command("remove", epilog="Example: orchestrator profile remove prod")
@click.argument("name", shell_complete=complete_profile)
def remove(name: str) -> None:
    """Forget a profile and its token."""
    stored = profiles.load()
    stored.find(name)
    by_name = {key: row for key, row in stored.by_name.items() if key != name}
    profiles.save(Profiles(by_name, "" if stored.default == name else stored.default))
    click.echo(f"{name}: removed")


SHELLS = ("bash", "zsh", "fish")


@click.command(epilog='Example: eval "$(orchestrator completion bash)"')
@click.argument(
    "shell",
    metavar="bash|zsh|fish",
    shell_complete=lambda _ctx, _param, word: [name for name in SHELLS if name.startswith(word)],
)
def completion(shell: str) -> None:
    """Print the completion of bash, zsh or fish.

    To be loaded in the shell's start-up file.
    """
    if shell not in SHELLS:
        raise CliFailure(f"no completion for {shell!r}{nearest(shell, SHELLS)}", USAGE)
    from chalicelib.cli.main import PROGRAM, root

    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise CliFailure(f"no completion for {shell!r}", USAGE)
    variable = f"_{PROGRAM.upper()}_COMPLETE"
    click.echo(completion_class(root, {}, PROGRAM, variable).source())
