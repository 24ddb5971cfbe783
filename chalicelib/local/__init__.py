"""The local cloud: what `chalice local` runs beside its HTTP server. Never imported in Lambda.

app.py --start_if_serving--> start.py: may we? --> cloud.py: moto, disk, database, loops
"""

from __future__ import annotations

from typing import Any


def start_if_serving(app: Any) -> None:
    """Start the local cloud if this is the process of `chalice local` that serves; else do nothing.
    Ends the process, with one line on stderr, if it cannot be started."""
    from chalicelib.local.serving import what_is_served

    serving = what_is_served()
    if serving is not None:
        from chalicelib.local.start import start
        from chalicelib.web import answer_unknown_paths

        answer_unknown_paths(app)
        start(app.handler_map, serving)


def install_if_deploying() -> None:
    """Let `chalice deploy` be the whole installation."""
    from chalicelib.local import installing

    installing.install_if_deploying()


def refuse_other_pythons() -> None:
    """End any chalice command under a Python that this does not support, with one line that names
    it."""
    from chalicelib.local import python_versions

    problem = python_versions.refusal()
    if problem:
        from chalicelib.local.refusal import Refusal, leave

        leave(Refusal(problem))


def refuse_missing_packages(*names: str) -> None:
    """End the process, with one line instead of a traceback, if one of them cannot be imported."""
    from importlib import import_module

    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            from chalicelib.local.refusal import Refusal, leave

            missing = error.name or name
            leave(
                Refusal(
                    f"the package {missing} is missing; run `pip install -r requirements-dev.txt`"
                    " in the environment of this chalice"
                )
            )


def refuse_bad_settings() -> None:
    """End any chalice command whose settings cannot be used, with one line instead of a
    traceback."""
    from chalicelib import config

    try:
        config.load()
    except config.BadSetting as error:
        from chalicelib.local.refusal import WRONG_REQUEST, Refusal, leave

        leave(Refusal(str(error), WRONG_REQUEST))
