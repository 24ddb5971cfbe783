"""Wires the ports of the local cloud in the composition root."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib import bootstrap
from chalicelib.claims import BucketClaims
from chalicelib.config import Settings
from chalicelib.database import Database
from chalicelib.executor import orphans
from chalicelib.local import aws_env
from chalicelib.local.download_links import SignedLinks
from chalicelib.local.home import Home
from chalicelib.local.lambda_path import lambda_path
from chalicelib.local.late_ports import Late, LateBucket, LateEditableBucket, LateQueue
from chalicelib.places import for_each_place, installed
from chalicelib.ports import Bucket, EditableBucket, Notifier, Secrets

if TYPE_CHECKING:
    from chalicelib.local.cloud import Cloud


def runs_of(cloud: Late[Cloud]) -> Bucket:
    """The runs bucket of a cloud that may not be there yet."""
    return LateBucket(lambda: cloud.get().runs)


def configure(
    cloud: Late[Cloud],
    database: Database,
    downloads: SignedLinks,
    settings: Settings,
    home: Home,
    endpoint: str,
    mark: str,
    dags_dir: Path | None = None,
) -> None:
    """Use the queues and buckets of `cloud`, which may not be there yet."""
    runs = runs_of(cloud)
    bootstrap.configure(
        bootstrap.Ports(
            task_queues=lambda: for_each_place(
                installed(settings),
                lambda place: LateQueue(lambda: cloud.get().task_queues[place.name]),
            ),
            results=lambda: LateQueue(lambda: cloud.get().results),
            dead_letters=lambda: LateQueue(lambda: cloud.get().dead_letters),
            dags=lambda: LateBucket(lambda: cloud.get().seen_dags),
            runs=lambda: runs,
            claims=lambda: BucketClaims(runs),
            database=lambda: database,
            settings=settings,
            secrets=_secrets,
            notifier=_notifier,
            mailer=lambda: bootstrap.mailer(settings, is_aws=False),
            download_links=lambda: downloads,
            allow_private=True,
            open_bucket=_open_bucket,
            clean_in_background=True,
            commits=database.commits,
            editable_dags=_editable_dags(cloud) if settings.editor == "yes" else None,
            dags_folder=dags_dir,
            s3_endpoint=endpoint,
            command_environ={**_command_variables(settings, home, endpoint), orphans.MARK: mark},
        )
    )


def _editable_dags(cloud: Late[Cloud]) -> Callable[[], EditableBucket]:
    return lambda: LateEditableBucket(lambda: cloud.get().dags)


def _command_variables(settings: Settings, home: Home, endpoint: str) -> dict[str, str]:
    variables = aws_env.command_variables(endpoint)
    if settings.path == "lambda":
        variables["PATH"] = lambda_path(home.programs, variables["PATH"])
    return variables


def _secrets() -> Secrets:
    from chalicelib.aws.secrets import AwsSecrets

    return AwsSecrets()


def _notifier() -> Notifier:
    from chalicelib.aws.notifications import SnsNotifier

    return SnsNotifier()


def _open_bucket(name: str) -> Bucket:
    from chalicelib.aws.s3 import S3Bucket

    return S3Bucket(name)


def stop_commands_at_exit() -> None:
    """Stop running commands when the process exits normally; orphans.py covers the rest."""
    atexit.register(_stop_commands)


def _stop_commands() -> None:
    if bootstrap.executor.cache_info().currsize:
        bootstrap.executor().stop()
