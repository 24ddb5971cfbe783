"""`chalice deploy` is the whole installation.

By itself Chalice would make functions without database, network or buckets. So the command that
people know goes on as `python -m infra deploy`, which runs Chalice as one of its steps.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.local.command_line import options_of
from chalicelib.local.startup_error import WRONG_REQUEST, Refusal, leave

STEP_OF_DEPLOY = "CHALICE_STEP_OF_DEPLOY"
"""Set in the environment of the `chalice deploy` that is a step of `python -m infra deploy`."""

_FORWARDED = ("stage", "profile")


def install_if_deploying() -> None:
    """Replace this process by the whole installation if it is `chalice deploy`, typed by a person;
    else do nothing. Ends the process, with one line on stderr, for options that this does not
    have."""
    if "chalice.cli" not in sys.modules:
        return
    try:
        command = command_of(sys.argv, os.environ)
    except Refusal as refusal:
        leave(refusal)
    if command is not None:
        sys.stdout.flush()
        os.execv(sys.executable, command)  # noqa: S606 - a list, no shell


def command_of(argv: Sequence[str], environ: Mapping[str, str]) -> list[str] | None:
    """The command line of the installation; None where Chalice itself is to go on. Raises
    Refusal."""
    options = None if environ.get(STEP_OF_DEPLOY) else options_of("deploy", argv)
    if options is None:
        return None
    _refuse_others(options)
    given = [(name, options[name]) for name in _FORWARDED if options[name] is not None]
    words = [word for name, value in given for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "infra", "deploy", *words]


def _refuse_others(options: Mapping[str, Any]) -> None:
    others = [n for n, value in options.items() if n not in _FORWARDED and value is not None]
    if others:
        names = ", ".join("--" + name.replace("_", "-") for name in sorted(others))
        raise Refusal(
            f"{names}: `chalice deploy` installs the whole stage and takes --stage and --profile"
            " only; `python -m infra deploy --help` lists the choices that there are",
            WRONG_REQUEST,
        )
