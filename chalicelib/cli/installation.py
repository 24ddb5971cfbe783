"""Which installation a command talks to: `--url`, the environment, a profile, or the local cloud
that runs on this machine, in this order."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chalicelib.cli import profile as profiles
from chalicelib.cli.failure import UNREACHABLE, USAGE, CliFailure
from chalicelib.cli.profile import Profile

if TYPE_CHECKING:
    from chalicelib.cli.client import Client

F = TypeVar("F", bound=Callable[..., Any])

URL_VARIABLE = "ORCHESTRATOR_URL"
TOKEN_VARIABLE = "ORCHESTRATOR_TOKEN"  # noqa: S105 - the name of a variable
PROFILE_VARIABLE = "ORCHESTRATOR_PROFILE"


def installation_options(function: F) -> F:
    """Adds `--url`, `--token` and `--profile`, and passes a `Client` as the first argument."""

    @installation_flags
    @functools.wraps(function)
    def command(
        *args: Any, url: str | None, token: str | None, profile: str | None, **kwargs: Any
    ) -> Any:
        return function(connect(url, token, profile), *args, **kwargs)

    return command  # type: ignore[return-value]


def installation_flags(function: F) -> F:
    """Adds `--url`, `--token` and `--profile`, for `connect`."""
    completing = {"profile": complete_profile}
    for name, text, variable in (
        ("profile", "Profile to use.", PROFILE_VARIABLE),
        ("token", "Access token.", TOKEN_VARIABLE),
        ("url", "URL of the page.", URL_VARIABLE),
    ):
        function = click.option(
            f"--{name}", help=f"{text} [env: {variable}]", shell_complete=completing.get(name)
        )(function)
    return function


def complete_profile(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Completes the name of a profile."""
    return [name for name in profiles.names() if name.startswith(incomplete)]


def connect(url: str | None, token: str | None, profile: str | None) -> Client:
    """A client for the chosen installation. Nothing is sent yet. Raises CliFailure."""
    from chalicelib.cli.client import Client

    return Client(choose(url, token, profile))


def choose(url: str | None, token: str | None, profile: str | None) -> Profile:
    """The installation to talk to. Raises CliFailure if there is none."""
    environ = os.environ
    url = url or ("" if profile else environ.get(URL_VARIABLE, ""))
    token = token or environ.get(TOKEN_VARIABLE, "")
    if url:
        return Profile(_checked(url), token, "token" if token else _auth_of(url))
    named = profile or environ.get(PROFILE_VARIABLE, "")
    stored = profiles.load().find(named)
    if stored is not None:
        return Profile(_checked(stored.url), token or stored.token, stored.auth)
    local = local_cloud()
    if local is None:
        raise CliFailure(
            "no installation: start the local cloud with `chalice local`, or name one with --url,"
            f" {URL_VARIABLE} or a profile (orchestrator profile add)",
            UNREACHABLE,
        )
    return Profile(local["url"], token, "token" if token else "none")


def _auth_of(url: str) -> str:
    """API Gateway's own address without a token: the stage may take signed requests."""
    return "iam" if ".execute-api." in url else "none"


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise CliFailure(f"{url} is no URL: it begins with http:// or https://", USAGE)
    return url.rstrip("/")


def local_cloud() -> dict[str, str] | None:
    """What the local cloud of this user's state folder serves; None if none runs."""
    from chalicelib.local import home as homes

    folder = homes.choose(os.environ.get(homes.VARIABLE, ""), os.environ)
    if not _is_locked(folder / "lock"):
        return None
    try:
        serving: dict[str, str] = json.loads(
            (folder / homes.SERVING_FILE).read_text(encoding="utf-8")
        )
    except (OSError, ValueError):
        return None
    return serving if "url" in serving else None


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock of the folder, as a local cloud does while it runs."""
    with contextlib.suppress(OSError), path.open(encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
