"""The supported Python versions. Older Pythons must be able to import this module to be told so."""

from __future__ import annotations

import sys

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
ON_LAMBDA = "3.13"
"""What the functions run on unless another is chosen; the one to develop with."""

RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"


def refusal(version: str = RUNNING) -> str:
    """Returns why Python `version` ("3.10") is not supported, and what to do; "" if it is."""
    if version in SUPPORTED:
        return ""
    return (
        f"Python {version} is not supported, use one of {', '.join(SUPPORTED)}; best is"
        f" {ON_LAMBDA}, which Lambda runs, too. Make the virtual environment anew with it:"
        f" python{ON_LAMBDA} -m venv --clear .venv && .venv/bin/pip install -r requirements-dev.txt"
    )
