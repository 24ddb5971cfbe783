"""Starts the local cloud: first everything that may fail, then everything else."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib import bootstrap, config
from chalicelib.admin import access_tokens
from chalicelib.database import Database
from chalicelib.errors import OrchestratorError
from chalicelib.executor import orphans
from chalicelib.local import api_server, aws_env, check_packages, moto_server, wiring
from chalicelib.local import home as homes
from chalicelib.local.command_line import ServeOptions
from chalicelib.local.download_links import SignedLinks
from chalicelib.local.late_ports import Late
from chalicelib.local.startup_error import USAGE_ERROR, StartupError, exit_with
from chalicelib.utils.time import utc_now

if TYPE_CHECKING:
    from chalicelib.local.cloud import Cloud

DEFAULT_DAGS_DIR = "examples"
PATIENCE = 0.3
"""Seconds that the local S3 and SQS leave to the API for its first answer."""
WATCH_PARENT = 0.5
"""Seconds between two checks that the reloader is still alive."""


def start(handlers: Mapping[str, Any], serving: ServeOptions) -> None:
    """Start everything but the HTTP server, which Chalice starts next. Ends the process on
    failure."""
    _or_exit(lambda: _start(handlers, serving))


def _or_exit(act: Callable[[], None]) -> None:
    """Do it, or end the process."""
    try:
        act()
    except (StartupError, config.BadSetting, OrchestratorError) as error:
        exit_with(error if isinstance(error, StartupError) else StartupError(str(error)))
    except OSError as error:
        exit_with(StartupError(f"the local cloud cannot start: {error}"))
    except Exception:
        # Under the reloader only this thread would end, and the process would hang.
        traceback.print_exc()
        os._exit(1)


def _build(
    cloud: Late[Cloud],
    settings: config.Settings,
    home: homes.Home,
    dags_dir: Path | None,
    handlers: Mapping[str, Any],
    listener: socket.socket,
    is_folder_read: threading.Event,
) -> None:
    """Load moto and start all that needs it: two thirds of the time that a start takes."""
    check_packages("boto3", "moto", "moto.server")
    moto_server.start_moto()

    from chalicelib.local import cloud as clouds

    built = clouds.build(settings, home, dags_dir)
    cloud.set(built)
    bucket = clouds.start(built, handlers, threading.Event(), listener)
    bucket.settled.wait(api_server.LONGEST_WAIT)
    is_folder_read.set()
    gc.collect()
    gc.freeze()


def _start(handlers: Mapping[str, Any], serving: ServeOptions) -> None:
    gc.freeze()  # what is loaded stays: no later collection needs to look at it
    settings = _with_places(_with_auth(config.load(), serving.host), os.environ)
    settings = replace(settings, page_url=settings.page_url or f"{serving.url}/")
    dags_dir = _dags_dir(settings.dags_dir)
    _check_moto()
    _check_port(serving)
    home = homes.take(homes.choose(settings.home, os.environ), Path.cwd())
    listener = moto_server.bind(
        settings.s3_port,
        what="the local S3",
        remedy="stop what uses the port, or set ORCHESTRATOR_S3_PORT",
    )
    endpoint = "http://{}:{}".format(*listener.getsockname())
    mark = _kill_orphans_of_earlier_clouds(home)
    aws_env.isolate_from_real_aws(endpoint)
    database = Database(home.database)
    database.create_if_missing()
    cloud: Late[Cloud] = Late()
    downloads = SignedLinks(wiring.runs_of(cloud), utc_now)
    wiring.configure(cloud, database, downloads, settings, home, endpoint, mark, dags_dir)
    if settings.auth == "token":
        _print_first_token()
    beginning = api_server.install(serving.host, downloads)

    def build() -> None:
        beginning.may_build.wait(PATIENCE)
        _build(cloud, settings, home, dags_dir, handlers, listener, beginning.is_folder_read)

    threading.Thread(target=_or_exit, args=(build,), name="local-cloud", daemon=True).start()
    wiring.stop_commands_at_exit()
    home.announce(serving.url, endpoint)
    if serving.reloaded:
        _exit_with_parent(os.getppid())
    _print(
        f"page       {serving.url}/",
        f"API        {serving.url}/api",
        f"S3, SQS    {endpoint}",
        f"state      {home.folder}",
        f"upload     {aws_env.upload_line(endpoint, settings.dags_bucket)}",
    )


def _with_auth(settings: config.Settings, host: str) -> config.Settings:
    """Require no token on loopback, unless the setting says so; require one everywhere else."""
    is_said = bool(os.environ.get("ORCHESTRATOR_AUTH"))
    if settings.auth == "iam":
        raise StartupError("ORCHESTRATOR_AUTH=iam is for AWS; use token here", USAGE_ERROR)
    if _is_loopback(host):
        return settings if is_said else replace(settings, auth="none")
    if settings.auth == "none":
        raise StartupError(
            f"--host {host} would let others on the network run commands on this machine; use"
            " ORCHESTRATOR_AUTH=token, or leave the host at 127.0.0.1",
            USAGE_ERROR,
        )
    return settings


def _with_places(settings: config.Settings, environ: Mapping[str, str]) -> config.Settings:
    """Give the local cloud every place, so that whatever a task asks for can be tried here."""

    def unless_set(name: str, value: str) -> str:
        is_set = environ.get(f"{config.PREFIX}{name.upper()}")
        return getattr(settings, name) if is_set else value

    return replace(
        settings,
        lambda_memory=unless_set("lambda_memory", "384,2048,8192"),
        fargate=unless_set("fargate", "yes"),
        worker_queues=unless_set("worker_queues", config.ANY_QUEUE),
    )


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False


def _check_moto() -> None:
    """Fail early if a package of the local S3 and SQS is missing. Importing them all takes longer
    than all the rest."""
    check_packages(*(name for name in ("boto3", "moto", "flask") if find_spec(name) is None))


def _check_port(serving: ServeOptions) -> None:
    """Fail early if the API's port is taken: Chalice binds it only later, with a traceback."""
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
    raise StartupError(
        f"ORCHESTRATOR_DAGS_DIR is {setting}, which is not a folder; create it or choose another",
        USAGE_ERROR,
    )


def _kill_orphans_of_earlier_clouds(home: homes.Home) -> str:
    """Kill what an earlier process with this home left behind, and start the watcher that does the
    same for this one. Returns the mark of this process's commands."""
    stopped = orphans.kill_orphans(lambda mark: mark.startswith(f"{home.identity}:"))
    if stopped:
        _print(f"killed {stopped} processes left behind by an earlier local cloud")
    mark = f"{home.identity}:{os.getpid()}"
    _held.extend([home, orphans.start_watcher(mark)])
    return mark


# Held until the process ends, which releases the lock and closes the pipe.
_held: list[Any] = []


def _exit_with_parent(parent: int) -> None:
    """Exit when the reloader does: it does not pass on SIGTERM, so this process would go on
    serving."""

    def watch() -> None:
        pause = threading.Event()
        while os.getppid() == parent:
            pause.wait(WATCH_PARENT)
        os._exit(0)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _print_first_token() -> None:
    token = access_tokens.create_first(bootstrap.scheduler(), "first", who="local")
    if token:
        _print(f"token      {token}   (role operator; shown only once)")


def _print(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
