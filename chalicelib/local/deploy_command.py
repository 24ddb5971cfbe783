"""Makes `chalice deploy` install everything.

Chalice alone would create functions without database, network or buckets. So the process continues
as `python -m infra deploy`, which runs Chalice as one of its steps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.local.command_line import options_of
from chalicelib.local.startup_error import USAGE_ERROR, StartupError, exit_with

STEP_OF_DEPLOY = "CHALICE_STEP_OF_DEPLOY"
"""Set in the environment of the `chalice deploy` that is a step of `python -m infra deploy`."""

_FORWARDED = ("stage", "profile")


def install_if_deploying() -> None:
    """If this process is a `chalice deploy` typed by a user, replace it by the full installation.
    Ends the process, with one line on stderr, if an option is not supported."""
    if "chalice.cli" not in sys.modules:
        return
    try:
        command = command_of(sys.argv, os.environ)
    except StartupError as refusal:
        exit_with(refusal)
    if command is not None:
        sys.stdout.flush()
        os.execv(sys.executable, command)  # noqa: S606 - a list, no shell


def command_of(argv: Sequence[str], environ: Mapping[str, str]) -> list[str] | None:
    """Returns the command line of the installation, or None if Chalice itself should run. Raises
    StartupError."""
    options = None if environ.get(STEP_OF_DEPLOY) else options_of("deploy", argv)
    if options is None:
        return None
    _check_options(options)
    given = [(name, options[name]) for name in _FORWARDED if options[name] is not None]
    words = [word for name, value in given for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "infra", "deploy", *words]


def _check_options(options: Mapping[str, Any]) -> None:
    others = [n for n, value in options.items() if n not in _FORWARDED and value is not None]
    if others:
        names = ", ".join("--" + name.replace("_", "-") for name in sorted(others))
        raise StartupError(
            f"{names}: `chalice deploy` installs the whole stage and takes --stage and --profile"
            " only; `python -m infra deploy --help` lists the choices that there are",
            USAGE_ERROR,
        )
