"""An AWS account in a moto server, and a copy of the project that may be deployed from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.aws import Aws
from infra.deploying import Deployment, deploy, run_chalice
from infra.health import Answer
from infra.inventory import Inventory, take
from infra.naming import PROJECT, Place, Stage
from infra.project import Project
from infra.removing import Removal, remove
from tests.integration.infra.moto_gaps import Unserved, fill_gaps_of_moto

REGION = "us-east-1"
ACCOUNT = "123456789012"


@dataclass
class Account:
    """What a test does with the account. `said` is what the command told its user."""

    aws: Aws
    project: Project
    unserved: Unserved
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def deploy(self, stage: str = "dev", chalice: object = run_chalice, **options: str) -> str:
        return deploy(self.deployment(stage, chalice, **options))

    def deployment(self, stage: str, chalice: object = run_chalice, **options: str) -> Deployment:
        return Deployment(
            self.aws,
            Stage(stage),
            options,
            self.said.append,
            self.project,
            chalice,  # type: ignore[arg-type]
            self._healthy,
        )

    def remove(
        self, stage: str = "dev", *, deletes_data: bool = False, agrees: bool = True
    ) -> None:
        removal = Removal(
            self.aws, Stage(stage), self.said.append, lambda _: agrees, deletes_data, self.project
        )
        remove(removal)

    def inventory(self, stage: str = "dev") -> Inventory:
        return take(self.aws, Stage(stage))

    def _healthy(self, url: str) -> Answer:
        self.asked.append(url)
        return Answer(200, '{"status": "ok"}')


def copy_of_the_project(folder: Path) -> Project:
    for name in ("app.py", "requirements.txt"):
        shutil.copy(PROJECT / name, folder / name)
    for name in ("chalicelib", ".chalice"):
        ignored = shutil.ignore_patterns("__pycache__", "deployed", "deployments")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    return Project(folder)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty account."""
    fill_gaps_of_moto(monkeypatch)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(region_name=REGION)
    unserved = Unserved()
    unserved.serve(session)
    aws = Aws(Place("aws", REGION, ACCOUNT), session, sleep=lambda _: None)
    try:
        session.client("s3").head_bucket  # noqa: B018 - the server is up
        yield Account(aws, copy_of_the_project(tmp_path), unserved)
    finally:
        boto3.client("sts")
        server.stop()
