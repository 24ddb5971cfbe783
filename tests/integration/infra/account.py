"""What a test does with an account: deploy to it, look at it, remove from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalicelib.local.python_versions import RUNNING
from infra.aws import Aws
from infra.bundle.project import Project
from infra.commands.deploy import Deployment, deploy, run_chalice
from infra.commands.down import Removal, remove
from infra.commands.health import Response
from infra.names import PROJECT, Stage
from infra.resources.domain import UNCHANGED, Choice
from infra.resources.inventory import Inventory, take
from infra.resources.stack import describe
from tests.integration.infra.moto_gaps import Unserved

Chalice = Callable[[Path, Stage, Mapping[str, str]], None]


@dataclass
class Account:
    """`said` is what the command told its user, `asked` the addresses that it
    fetched, each with its headers, `unknown` the hosts that are in no DNS."""

    aws: Aws
    project: Project
    unserved: Unserved
    said: list[str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)

    def deploy(
        self,
        stage: str,
        chalice: Chalice = run_chalice,
        domain: Choice = UNCHANGED,
        **options: str,
    ) -> str:
        """Deploy for the Python that runs this, so that the bundle can be run, unless another is
        asked for."""
        if not describe(self.aws, Stage(stage).stack).status:
            options = {"Python": RUNNING, **options}
        return deploy(
            Deployment(
                self.aws,
                Stage(stage),
                options,
                self.said.append,
                self.project,
                chalice,
                self._healthy,
                domain,
            )
        )

    def remove(self, stage: str, *, deletes_data: bool = False, agrees: bool = True) -> None:
        def confirm(question: str) -> bool:
            self.said.append(question)
            return agrees

        remove(
            Removal(self.aws, Stage(stage), self.said.append, confirm, deletes_data, self.project)
        )

    def inventory(self, stage: str) -> Inventory:
        return take(self.aws, Stage(stage))

    def configuration(self, stage: str, function: str) -> dict[str, Any]:
        name = Stage(stage).function(function)
        answer = self.aws.client("lambda").get_function_configuration(FunctionName=name)
        return dict(answer)

    def bundle(self) -> Path:
        """The newest zip that Chalice made."""
        made = (self.project.settings / "deployments").glob("*.zip")
        return max(made, key=lambda path: path.stat().st_mtime)

    def _healthy(self, url: str, headers: Mapping[str, str]) -> Response:
        self.asked.append((url, dict(headers)))
        if urlsplit(url).hostname in self.unknown:
            return Response(0, "no such host")
        return Response(200, '{"status": "ok"}')


def copy_of_the_project(folder: Path) -> Project:
    """What `chalice deploy` reads, in a folder that a test may write to."""
    for name in ("app.py", "requirements.txt"):
        shutil.copy(PROJECT / name, folder / name)
    for name in ("chalicelib", ".chalice"):
        ignored = shutil.ignore_patterns("__pycache__", "deployed", "deployments", "policy-*")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    return Project(folder)
