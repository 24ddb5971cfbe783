"""The start of the local cloud: first everything that can be refused, then everything else."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chalicelib import bootstrap, config
from chalicelib.admin import access_tokens
from chalicelib.errors import OrchestratorError
from chalicelib.local import aws_env, moto_server, orphans, refuse_missing_packages
from chalicelib.local import home as homes
from chalicelib.local.command_line import Serving
from chalicelib.local.startup_error import WRONG_REQUEST, Refusal, leave

DEFAULT_DAGS_DIR = "examples"
WATCH_PARENT = 0.5
"""Seconds between two looks whether the reloader still lives."""


def start(handlers: Mapping[str, Any], serving: Serving) -> None:
    """Start all, and return with HTTP serving still to come. Ends the process if that cannot be."""
    try:
        _start(handlers, serving)
    except (Refusal, config.BadSetting, OrchestratorError) as error:
        leave(error if isinstance(error, Refusal) else Refusal(str(error)))
    except OSError as error:
        leave(Refusal(f"the local cloud cannot start: {error}"))
    except Exception:
        # Under the reloader this thread would end alone, and the process would wait for ever.
        traceback.print_exc()
        os._exit(1)


def _start(handlers: Mapping[str, Any], serving: Serving) -> None:
    settings = _with_access(config.load(), serving.host)
    dags_dir = _dags_dir(settings.dags_dir)
    refuse_missing_packages("boto3", "moto", "moto.server")
    _refuse_a_busy_port(serving)
    home = homes.take(homes.choose(settings.home, os.environ), Path.cwd())
    listener = moto_server.bind(
        settings.s3_port,
        what="the local S3",
        remedy="stop what uses the port, or set ORCHESTRATOR_S3_PORT",
    )
    endpoint = "http://{}:{}".format(*listener.getsockname())
    mark = _take_over_from_the_dead(home)
    aws_env.forget_the_real_aws(endpoint)
    moto_server.start_moto()

    from chalicelib.local import api_server
    from chalicelib.local import cloud as clouds

    api_server.install(serving.host)
    cloud = clouds.build(settings, home, dags_dir)
    clouds.configure(cloud, endpoint, mark)
    if settings.auth == "token":
        _say_first_token()
    clouds.start(cloud, handlers, threading.Event(), listener)
    clouds.stop_commands_at_exit()
    if serving.reloaded:
        _end_with(os.getppid())
    _say(
        f"page       {serving.url}/",
        f"API        {serving.url}/api",
        f"S3, SQS    {endpoint}",
        f"state      {home.folder}",
        f"upload     {aws_env.upload_line(endpoint, settings.dags_bucket)}",
    )


def _with_access(settings: config.Settings, host: str) -> config.Settings:
    """On loopback nobody needs a token unless the setting says so; elsewhere everybody does."""
    is_said = bool(os.environ.get("ORCHESTRATOR_AUTH"))
    if settings.auth == "iam":
        raise Refusal("ORCHESTRATOR_AUTH=iam is for AWS; use token here", WRONG_REQUEST)
    if _is_loopback(host):
        return settings if is_said else replace(settings, auth="none")
    if settings.auth == "none":
        raise Refusal(
            f"--host {host} would let others on the network run commands on this machine; use"
            " ORCHESTRATOR_AUTH=token, or leave the host at 127.0.0.1",
            WRONG_REQUEST,
        )
    return settings


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False


def _refuse_a_busy_port(serving: Serving) -> None:
    """Chalice binds the port itself, but only after all this, and with a traceback."""
    moto_server.bind(
        serving.port,
        host=serving.host,
        what="the API",
        remedy="stop what uses the port, or choose another one with --port",
    ).close()


def _dags_dir(setting: str) -> Path | None:
    folder = Path(setting).expanduser().absolute()
    if folder.is_dir():
        return folder
    if setting == DEFAULT_DAGS_DIR:
        return None
    raise Refusal(
        f"ORCHESTRATOR_DAGS_DIR is {setting}, which is no folder; make it, or name another",
        WRONG_REQUEST,
    )


def _take_over_from_the_dead(home: homes.Home) -> str:
    """Stop what an earlier process of this home left behind, and see to it that somebody does the
    same for this one. Answers the mark of this one's commands."""
    stopped = orphans.stop_marked(lambda mark: mark.startswith(f"{home.identity}:"))
    if stopped:
        _say(f"stopped {stopped} processes that an earlier local cloud had left behind")
    mark = f"{home.identity}:{os.getpid()}"
    _held.extend([home, orphans.watch_over(mark)])
    return mark


# For the life of the process, whose end opens the lock and closes the pipe.
_held: list[Any] = []


def _end_with(parent: int) -> None:
    """The reloader does not pass on its own SIGTERM, and would leave this process serving alone."""

    def watch() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(WATCH_PARENT)
        os._exit(0)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _say_first_token() -> None:
    token = access_tokens.create_first(bootstrap.scheduler(), "first")
    if token:
        _say(f"token      {token}   (an operator's; it is shown this once)")


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
