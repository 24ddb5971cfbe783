"""Creates, lists and revokes access tokens: over the API, or on AWS by invoking a function."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli import times
from chalicelib.cli.change import Change, change_options, print_change
from chalicelib.cli.client import Client, part
from chalicelib.cli.failure import USAGE, CliFailure, nearest
from chalicelib.cli.installation import connect, installation_flags
from chalicelib.cli.lookup import complete_token
from chalicelib.cli.output import Column, format_option, print_json, print_rows
from chalicelib.enums import AuthMode, Role, words


def state_of(row: dict[str, Any]) -> str:
    """Whether the token works, and until when."""
    if row["revoked_at"]:
        return f"revoked {times.ago(row['revoked_at'])}"
    if row["expires_at"]:
        is_over = times.is_past(row["expires_at"])
        return f"{'expired' if is_over else 'expires'} {times.ago(row['expires_at'])}"
    return "valid"


COLUMNS = (
    Column("TOKEN", lambda row: row["name"]),
    Column("ROLE", lambda row: row["role"]),
    Column("DAGS", lambda row: row["dags"] or "all", is_wide=True),
    Column("STATE", state_of),
    Column("LAST USED", lambda row: times.ago(row["last_used_at"]) or "never", is_minor=True),
    Column("CREATED", lambda row: times.local(row["created_at"]), is_minor=True),
)
stage_options = (
    click.option("--stage", help="On AWS: the stage, with your AWS credentials and no token."),
    click.option("--region", help="On AWS: its region."),
)


def _stage_options(function: Any) -> Any:
    for option in reversed(stage_options):
        function = option(function)
    return installation_flags(function)


@click.group(epilog="Example: orchestrator token create vera --role viewer --dags 'sales_*'")
def token() -> None:
    """Create, list or revoke access tokens.

    Of an installation that you may operate; with --stage, of a stage on AWS.
    """


@token.command(
    "create",
    epilog="Example: orchestrator token create vera --role viewer --dags 'sales_*'"
    " --expires-in-days 30",
)
@click.argument("name")
@click.option("--role", type=click.Choice(words(Role)), required=True, help="What it may do.")
@click.option("--dags", metavar="PATTERN", help="Only these DAGs, such as 'sales_*,billing'.")
@click.option("--expires-in-days", type=click.IntRange(1, 3650), help="Default: never.")
@click.option("--open", "is_open", is_flag=True, help="Also print a link that signs a browser in.")
@_stage_options
@change_options
def create(
    name: str,
    role: str,
    dags: str | None,
    expires_in_days: int | None,
    *,
    is_open: bool,
    stage: str | None,
    region: str | None,
    url: str | None,
    token: str | None,
    profile: str | None,
    change: Change,
) -> int:
    """Create a token and print it, once."""
    limits = {"dags": dags, "expires_in_days": expires_in_days}
    given = {key: value for key, value in limits.items() if value is not None}
    if not change.announce([f"creates the token {name}: {_words(role, dags, expires_in_days)}"]):
        return 0
    if stage or region:
        options = [f"--{key.replace('_', '-')}={value}" for key, value in given.items()]
        words_ = ["create", name, "--role", role, *options, *(["--open"] if is_open else [])]
        return _infra(words_, stage, region, profile)
    client = connect(url, token, profile)
    answer = client.post("/api/tokens", {"name": name, "role": role, **given})
    link = f"{client.url}/#/signin?token={answer['token']}"
    answer = {**answer, "sign_in_url": link} if is_open else answer
    print_change(change, answer, answer["token"])
    if is_open and change.format != "json":
        click.echo(f"sign in: {link}", err=True)
    _warn_unless_asked_for(client)
    return 0


def _words(role: str, dags: str | None, days: int | None) -> str:
    until = f", for {days} days" if days else ""
    return f"{role} of {dags or 'all DAGs'}{until}"


def _warn_unless_asked_for(client: Client) -> None:
    auth = client.get("/api/session")["auth"]
    if auth != AuthMode.TOKEN:
        click.echo(
            f"note: {client.url} asks for no token, so whoever reaches it may do everything;"
            " start it with ORCHESTRATOR_AUTH=token",
            err=True,
        )


@token.command("list", epilog="Example: orchestrator token list")
@_stage_options
@format_option
def list_(
    *,
    stage: str | None,
    region: str | None,
    url: str | None,
    token: str | None,
    profile: str | None,
    format_: str,
) -> int:
    """List the tokens, without their text."""
    if stage or region:
        return _infra(["list"], stage, region, profile)
    rows = connect(url, token, profile).get("/api/tokens")["tokens"]
    if format_ == "json":
        print_json(rows)
    else:
        print_rows(COLUMNS, rows, empty="no tokens")
    return 0


@token.command("revoke", epilog="Example: orchestrator token revoke vera")
@click.argument("name", shell_complete=complete_token)
@_stage_options
@change_options
def revoke(
    name: str,
    *,
    stage: str | None,
    region: str | None,
    url: str | None,
    token: str | None,
    profile: str | None,
    change: Change,
) -> int:
    """Revoke a token, effective on the next request."""
    if stage or region:
        if change.announce([f"revokes the token {name}"]):
            return _infra(["revoke", name], stage, region, profile)
        return 0
    client = connect(url, token, profile)
    rows = {row["name"]: row for row in client.get("/api/tokens")["tokens"]}
    if name not in rows:
        raise CliFailure(f"there is no token {name!r}{nearest(name, rows)}", USAGE)
    row = rows[name]
    if change.announce([f"revokes the token {name}: {row['role']} of {row['dags'] or 'all DAGs'}"]):
        client.request("DELETE", f"/api/tokens/{part(name)}")
        print_change(change, {"revoked": name}, f"revoked: {name}")
    return 0


def _infra(words_: list[str], stage: str | None, region: str | None, profile: str | None) -> int:
    """The same by `python -m infra`, which invokes the stage's function `admin`. The profile is one
    of the AWS configuration."""
    from infra.__main__ import main

    if stage is None:
        raise CliFailure("--region goes with --stage, the name of a stage on AWS", USAGE)
    options = {"--stage": stage, "--region": region, "--profile": profile}
    where = [word for option, value in options.items() if value for word in (option, value)]
    return main(["token", *words_, *where])
