"""Profiles: the installations that a user works with, in the XDG config folder.

`~/.config/orchestrator/profiles.json`, mode 0600 because it holds tokens:

    {"default": "prod",
     "profiles": {"prod": {"url": "https://...", "token": "...", "auth": "token"}}}
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chalicelib.cli.failure import USAGE, CliFailure, nearest


@dataclass(frozen=True, slots=True)
class Profile:
    """`auth` is `token`, `iam` (requests are signed with AWS credentials) or `none`."""

    url: str
    token: str = ""
    auth: str = "token"


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles by name. `default` is used where none is named; empty if there is none."""

    by_name: Mapping[str, Profile]
    default: str = ""

    def find(self, name: str) -> Profile | None:
        """The profile of that name, or the default one. Raises CliFailure for an unknown name."""
        name = name or self.default
        if not name:
            return None
        if name not in self.by_name:
            raise CliFailure(
                f"there is no profile {name!r} in {path()}{nearest(name, self.by_name)}", USAGE
            )
        return self.by_name[name]


def path(environ: Mapping[str, str] | None = None) -> Path:
    """Where profiles are stored."""
    environ = os.environ if environ is None else environ
    config = environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(config) if config.startswith("/") else Path.home() / ".config"
    return base / "orchestrator" / "profiles.json"


def load() -> Profiles:
    """Read the profiles. Raises CliFailure for a file that others can read, or that is invalid."""
    file = path()
    try:
        with file.open(encoding="utf-8") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            data = json.load(opened)
    except FileNotFoundError:
        return Profiles({})
    except ValueError as error:
        raise CliFailure(f"{file} is not valid JSON: {error}", USAGE) from error
    if mode & 0o077:
        raise CliFailure(f"{file} can be read by others: run chmod 600 {file}", USAGE)
    return _profiles(data, file)


def _profiles(data: Any, file: Path) -> Profiles:
    try:
        profiles = {name: Profile(**row) for name, row in data["profiles"].items()}
        return Profiles(profiles, str(data.get("default", "")))
    except (AttributeError, KeyError, TypeError) as error:
        raise CliFailure(
            f"{file} is not a file of profiles ({error}); see the documentation", USAGE
        ) from error


def names() -> list[str]:
    """Names of the profiles, for a shell that completes a word: none if they cannot be read."""
    try:
        return list(load().by_name)
    except CliFailure:
        return []


def save(profiles: Profiles) -> Path:
    """Replace the file atomically; nobody else may ever read it. Returns its path."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    document = {
        "default": profiles.default,
        "profiles": {name: asdict(profile) for name, profile in profiles.by_name.items()},
    }
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(document, opened, indent=2)
        opened.write("\n")
    temporary.replace(file)
    return file
