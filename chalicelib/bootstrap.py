"""The composition root: the one place that knows which class implements a port.

An entry point asks for what it needs, at its first invocation, and only that is imported:
`executor()` brings neither the database nor the parser into the process that runs people's
commands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import config
from chalicelib.claims import BucketClaims, TransitionalClaims
from chalicelib.errors import Unavailable
from chalicelib.places import FARGATE_PLACE, LAUNCH_FUNCTION, for_each_place, installed
from chalicelib.ports import (
    Bucket,
    Claims,
    Clock,
    Commits,
    Credentials,
    DownloadLinks,
    EditableBucket,
    Mailer,
    Notifier,
    Queue,
    Secrets,
)
from chalicelib.utils.lambda_env import is_lambda, layer_variables
from chalicelib.utils.time import utc_now

if TYPE_CHECKING:
    from chalicelib.admin.backup import BackupContext
    from chalicelib.database import Database
    from chalicelib.executor import Executor
    from chalicelib.executor.containers import RunsCommandsBy
    from chalicelib.executor.patience import Patience
    from chalicelib.fargate.launch import Launcher
    from chalicelib.scheduler.context import SchedulerContext


@dataclass(frozen=True)
class Ports:
    """The outside world. Each is made at its first use; `command_environ` is what commands
    inherit besides a few usual variables; `open_bucket` opens any bucket with the rights that
    commands have; `allow_private` lets webhooks and tools reach addresses of this machine and its
    network, and `clean_in_background` has what commands leave removed while others run; only the
    local cloud may do either; `patience` is the executor's; `editable_dags` is the dags bucket
    where people may edit DAG files in it, `dags_folder` the folder that it is a copy of, and
    `s3_endpoint` the URL of a local S3; `commits` says when something was committed, where requests
    may wait for that."""

    task_queues: Callable[[], Mapping[str, Queue]]
    results: Callable[[], Queue]
    dead_letters: Callable[[], Queue]
    dags: Callable[[], Bucket]
    runs: Callable[[], Bucket]
    claims: Callable[[], Claims]
    database: Callable[[], Database]
    settings: config.Settings
    now: Clock = utc_now
    command_environ: Mapping[str, str] = field(default_factory=dict)
    secrets: Callable[[], Secrets] | None = None
    notifier: Callable[[], Notifier] | None = None
    mailer: Callable[[], Mailer] | None = None
    credentials: Callable[[], Credentials] | None = None
    download_links: Callable[[], DownloadLinks] | None = None
    open_bucket: Callable[[str], Bucket] | None = None
    allow_private: bool = False
    clean_in_background: bool = False
    commits: Commits | None = None
    patience: Patience | None = None
    editable_dags: Callable[[], EditableBucket] | None = None
    dags_folder: Path | None = None
    s3_endpoint: str | None = None
    runs_commands_by: RunsCommandsBy | None = None
    fargate_size: tuple[int, float] | None = None


_configured: list[Ports] = []


def configure(ports: Ports) -> None:
    """Use these from now on: the local cloud and the tests bring their own."""
    _configured[:] = [ports]
    scheduler.cache_clear()
    executor.cache_clear()
    launcher.cache_clear()
    backup_context.cache_clear()


def ports() -> Ports:
    """Return the configured ports, else those of AWS."""
    if not _configured:
        _configured.append(on_aws(config.load()))
    return _configured[0]


@cache
def scheduler() -> SchedulerContext:
    """Build the context of the entry points that decide. Raises BadSetting, or OrchestratorError
    without a database."""
    from chalicelib.scheduler.context import SchedulerContext

    world = ports()
    return SchedulerContext(
        database=world.database(),
        task_queues=world.task_queues(),
        results=world.results(),
        dead_letters=world.dead_letters(),
        dags=world.dags(),
        runs=world.runs(),
        claims=world.claims(),
        settings=world.settings,
        now=world.now,
    )


@cache
def executor() -> Executor:
    """Build the executor, for the entry point that runs commands."""
    from chalicelib.executor import Executor
    from chalicelib.executor.cleanup import BackgroundCleaner
    from chalicelib.executor.patience import no_patience

    world = ports()
    return Executor(
        runs=world.runs(),
        claims=world.claims(),
        results=world.results(),
        heartbeat_seconds=world.settings.heartbeat_seconds,
        environ={**_inherited(), **_of_layers(world.settings), **world.command_environ},
        now=world.now,
        secrets=world.secrets() if world.secrets else None,
        notifier=world.notifier() if world.notifier else None,
        mailer=world.mailer() if world.mailer else None,
        pagerduty_url=world.settings.pagerduty_url,
        credentials=world.credentials() if world.credentials else None,
        allow_private=world.allow_private,
        open_bucket=world.open_bucket,
        cleaner=BackgroundCleaner() if world.clean_in_background else None,
        patience=world.patience or no_patience,
        ignores_images=world.settings.images == "host",
        runs_commands_by=world.runs_commands_by,
        fargate_size=world.fargate_size,
    )


@cache
def launcher() -> Launcher:
    """Build the launcher, for the entry point that starts tasks on Fargate."""
    from chalicelib.aws.ecs import EcsContainers
    from chalicelib.aws.sessions import SidecarSessions
    from chalicelib.fargate.launch import Launcher
    from chalicelib.fargate.task_definition import Installed

    world = ports()
    settings = world.settings
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    return Launcher(
        installed=Installed(
            settings,
            region=os.environ["AWS_REGION"],
            stack=function.removesuffix(f"-{LAUNCH_FUNCTION}"),
            function=function,
        ),
        runs=world.runs(),
        claims=world.claims(),
        results=world.results(),
        tasks=world.task_queues()[FARGATE_PLACE],
        containers=EcsContainers(),
        sessions=SidecarSessions(settings.fargate_sidecar_role, settings.runs_bucket),
        now=world.now,
    )


@cache
def backup_context() -> BackupContext:
    """For the entry point that copies and restores the database. Opens nothing: what is to be
    restored may be broken, or not there. Raises BadSetting without a database's path, Unavailable
    on Lambda without the file system."""
    from chalicelib.admin.backup import BackupContext
    from chalicelib.admin.backup_retention import Rule
    from chalicelib.aws.s3 import S3Bucket
    from chalicelib.database import Database

    world = ports()
    settings = world.settings
    return BackupContext(
        database=Database(_path_of(settings.database)),
        backups=S3Bucket(settings.backups_bucket),
        now=world.now,
        rule=Rule(settings.backups_daily, settings.backups_weekly, settings.backups_monthly),
    )


LEAST_SECONDS_OF_A_DOWNLOAD = 900.0

_VISIBLE = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


def _inherited() -> dict[str, str]:
    """What commands inherit from this process: nothing that belongs to the orchestrator."""
    return {k: v for k, v in os.environ.items() if k in _VISIBLE or k.startswith("LC_")}


def _of_layers(settings: config.Settings) -> dict[str, str]:
    if not settings.task_layers:
        return {}
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return layer_variables(os.environ.get("PATH", os.defpath), python)


def _path_of(setting: str) -> Path:
    """Return the path of the database. Raises BadSetting, or Unavailable on Lambda without the file
    system."""
    if not setting:
        raise config.BadSetting("ORCHESTRATOR_DATABASE is not set: the path of the SQLite file")
    if is_lambda(os.environ):
        _require_mount(Path(setting))
    return Path(setting)


def _require_mount(path: Path) -> None:
    """A database outside its mount would be lost with the function's disk. Raises Unavailable."""
    mount = Path(*path.parts[:3])
    if not mount.is_mount():
        raise Unavailable(
            f"the file system is not mounted at {mount}: run `python -m infra deploy`, which"
            " attaches it to the functions with a database"
        )


def on_aws(settings: config.Settings) -> Ports:
    """AWS's own ports."""
    runs = _bucket(settings.runs_bucket)
    return Ports(
        task_queues=lambda: for_each_place(installed(settings), lambda p: _queue(p.queue)()),
        results=_queue(settings.results_queue),
        dead_letters=_queue(settings.dead_letter_queue),
        dags=_bucket(settings.dags_bucket),
        runs=runs,
        claims=lambda: _claims(settings, runs),
        database=lambda: _database(settings.database),
        settings=settings,
        secrets=_secrets,
        download_links=lambda: _download_links(settings.runs_bucket),
        notifier=_notifier,
        mailer=lambda: mailer(settings, is_aws=True),
        credentials=(lambda: _credentials(settings.task_role)) if settings.task_role else None,
        open_bucket=_bucket_as(settings.task_role) if settings.task_role else None,
        editable_dags=_editable_bucket(settings.dags_bucket) if settings.editor == "yes" else None,
    )


def _bucket(name: str) -> Callable[[], Bucket]:
    def make() -> Bucket:
        from chalicelib.aws.s3 import S3Bucket

        return S3Bucket(name)

    return make


def _editable_bucket(name: str) -> Callable[[], EditableBucket]:
    def make() -> EditableBucket:
        from chalicelib.aws.s3 import S3Bucket

        return S3Bucket(name)

    return make


def _claims(settings: config.Settings, runs: Callable[[], Bucket]) -> Claims:
    if not settings.claims_table:
        return BucketClaims(runs())
    from chalicelib.aws.dynamodb import DynamoClaims

    claims = DynamoClaims(settings.claims_table)
    until = settings.claims_on_s3_until
    if until is None or until <= utc_now():
        return claims
    return TransitionalClaims(BucketClaims(runs()), claims, until, utc_now)


def open_bucket(name: str) -> Bucket:
    """Open any bucket with the rights of this process."""
    return _bucket(name)()


def _bucket_as(role: str) -> Callable[[str], Bucket]:
    return _bucket_with(lambda: _credentials(role).environ(LEAST_SECONDS_OF_A_DOWNLOAD))


def bucket_of_container() -> Callable[[str], Bucket] | None:
    """Return what opens any bucket with the rights of this process's container, which are those of
    commands on Fargate; None without such rights."""
    if not any(name in os.environ for name in CONTAINER_ROLE_VARIABLES):
        return None
    from chalicelib.aws.credentials import container_environ

    return _bucket_with(lambda: container_environ(os.environ))


CONTAINER_ROLE_VARIABLES = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def _bucket_with(environ: Callable[[], Mapping[str, str]]) -> Callable[[str], Bucket]:
    def open_bucket(name: str) -> Bucket:
        from chalicelib.aws.clients import client_as
        from chalicelib.aws.s3 import S3Bucket

        acting = client_as("s3", environ())
        return S3Bucket(name, lambda: acting)

    return open_bucket


def _queue(name: str) -> Callable[[], Queue]:
    def make() -> Queue:
        from chalicelib.aws.sqs import SqsQueue

        return SqsQueue(name)

    return make


def _database(setting: str) -> Database:
    from chalicelib.database import Database

    opened = Database(_path_of(setting))
    opened.create_if_missing()
    return opened


def _download_links(bucket: str) -> DownloadLinks:
    from chalicelib.aws.download_links import PresignedLinks

    return PresignedLinks(bucket)


def _secrets() -> Secrets:
    from chalicelib.aws.secrets import AwsSecrets

    return AwsSecrets()


def _notifier() -> Notifier:
    from chalicelib.aws.notifications import SnsNotifier

    return SnsNotifier()


def mailer(settings: config.Settings, *, is_aws: bool) -> Mailer:
    """Return what sends e-mail: the SMTP server of the settings, else Amazon SES on AWS."""
    if is_aws and not settings.smtp_url:
        from chalicelib.aws.ses import SesMailer

        return SesMailer(settings.email_from)
    from chalicelib.executor.notifications.smtp import SmtpMailer

    return SmtpMailer(settings.smtp_url, settings.email_from, _secrets())


@cache
def _credentials(role: str) -> Credentials:
    from chalicelib.aws.credentials import RoleCredentials

    return RoleCredentials(role)
