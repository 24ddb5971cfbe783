"""The composition root: the one place that knows which class stands behind a port.

An entry point asks for what it needs, at its first invocation, and only that is imported:
`executor()` brings neither the database nor the parser into the process that runs people's
commands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import config
from chalicelib.errors import Unavailable
from chalicelib.ports import Bucket, Clock, Queue

if TYPE_CHECKING:
    from chalicelib.database import Database
    from chalicelib.executor import Executor
    from chalicelib.scheduler.context import Scheduler


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Ports:
    """The outside world. Each is made at its first use; `command_environ` is what commands may see
    of their surroundings beside the usual few variables."""

    tasks: Callable[[], Queue]
    results: Callable[[], Queue]
    dead_letters: Callable[[], Queue]
    dags: Callable[[], Bucket]
    runs: Callable[[], Bucket]
    database: Callable[[], Database]
    settings: config.Settings
    now: Clock = _utc_now
    command_environ: Mapping[str, str] = field(default_factory=dict)


_configured: list[Ports] = []


def configure(ports: Ports) -> None:
    """Use these from now on: the local cloud and the tests bring their own."""
    _configured[:] = [ports]
    scheduler.cache_clear()
    executor.cache_clear()


def ports() -> Ports:
    """Those configured, else AWS's own."""
    if not _configured:
        _configured.append(_on_aws())
    return _configured[0]


@cache
def scheduler() -> Scheduler:
    """For the entry points that decide. Raises BadSetting, or OrchestratorError without a
    database."""
    from chalicelib.scheduler.context import Scheduler

    world = ports()
    return Scheduler(
        database=world.database(),
        tasks=world.tasks(),
        results=world.results(),
        dead_letters=world.dead_letters(),
        dags=world.dags(),
        runs=world.runs(),
        settings=world.settings,
        now=world.now,
    )


@cache
def executor() -> Executor:
    """For the entry point that runs commands."""
    from chalicelib.executor import Executor

    world = ports()
    return Executor(
        runs=world.runs(),
        results=world.results(),
        heartbeat_seconds=world.settings.heartbeat_seconds,
        environ={**_surroundings(), **world.command_environ},
        now=world.now,
    )


_VISIBLE = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


def _surroundings() -> dict[str, str]:
    """What commands may know of the machine: nothing that belongs to the orchestrator."""
    return {k: v for k, v in os.environ.items() if k in _VISIBLE or k.startswith("LC_")}


def _require_mount(path: Path) -> None:
    """A database beside its mount would be one on a disk that goes away with the function."""
    mount = Path(*path.parts[:3])
    if not mount.is_mount():
        raise Unavailable(
            f"the file system is not mounted at {mount}: run `python -m infra deploy`, which"
            " attaches it to the functions with a database"
        )


def _on_aws() -> Ports:
    settings = config.load()

    def bucket(name: str) -> Callable[[], Bucket]:
        def make() -> Bucket:
            from chalicelib.aws.s3 import S3Bucket

            return S3Bucket(name)

        return make

    def queue(name: str) -> Callable[[], Queue]:
        def make() -> Queue:
            from chalicelib.aws.sqs import SqsQueue

            return SqsQueue(name)

        return make

    def database() -> Database:
        from chalicelib.database import Database

        if not settings.database:
            raise config.BadSetting("ORCHESTRATOR_DATABASE is not set: the path of the SQLite file")
        path = Path(settings.database)
        if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
            _require_mount(path)
        opened = Database(path)
        opened.create_if_missing()
        return opened

    return Ports(
        tasks=queue(settings.tasks_queue),
        results=queue(settings.results_queue),
        dead_letters=queue(settings.dead_letter_queue),
        dags=bucket(settings.dags_bucket),
        runs=bucket(settings.runs_bucket),
        database=database,
        settings=settings,
    )
