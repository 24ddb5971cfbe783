"""The files below `.chalice`: Chalice's configuration, the policies, and what is deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import InfraError
from infra.functions import FUNCTIONS
from infra.naming import PROJECT, Stage


@dataclass(frozen=True, slots=True)
class Project:
    """The folder that holds `app.py`."""

    folder: Path = PROJECT

    @property
    def settings(self) -> Path:
        return self.folder / ".chalice"

    def write_stage(self, stage: Stage, config: Mapping[str, Any]) -> None:
        """Put the stage into `config.json`; the other stages stay as they are."""
        whole = self._config()
        whole.setdefault("stages", {})[stage.name] = config
        _write(self.settings / "config.json", whole)

    def write_policies(self, stage: Stage, policies: Mapping[str, Mapping[str, Any]]) -> None:
        for name, document in policies.items():
            _write(self.settings / stage.policy_file(name), document)

    def forget_bundles(self) -> None:
        """Chalice would take parts of an earlier bundle into the next one, and keep all."""
        for bundle in (self.settings / "deployments").glob("*.zip"):
            bundle.unlink()

    def write_deployed(self, stage: Stage, deployed: Mapping[str, Any]) -> None:
        """Tell Chalice what is there."""
        if not deployed["resources"]:
            self._deployed(stage).unlink(missing_ok=True)
            return
        _write(self._deployed(stage), deployed)

    def forget(self, stage: Stage) -> None:
        """Remove everything of the stage."""
        whole = self._config()
        if whole.get("stages", {}).pop(stage.name, None) is not None:
            _write(self.settings / "config.json", whole)
        self._deployed(stage).unlink(missing_ok=True)
        for function in FUNCTIONS:
            (self.settings / stage.policy_file(function.name)).unlink(missing_ok=True)

    def _deployed(self, stage: Stage) -> Path:
        return self.settings / "deployed" / f"{stage.name}.json"

    def _config(self) -> dict[str, Any]:
        path = self.settings / "config.json"
        try:
            loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InfraError(f".chalice/config.json cannot be read: {error}") from error
        return loaded


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all: a command that is killed leaves no half file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
