"""The files in `.chalice`: configuration, policies, and Chalice's record of what is deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import InfraError
from infra.names import PROJECT, Stage


@dataclass(frozen=True, slots=True)
class Project:
    """The project in `folder`, where `app.py` is."""

    folder: Path = PROJECT

    @property
    def settings(self) -> Path:
        return self.folder / ".chalice"

    def write_stage(self, stage: Stage, config: Mapping[str, Any]) -> None:
        """Write the stage's part of `config.json`; other stages stay unchanged."""
        content = self._config()
        content.setdefault("stages", {})[stage.name] = config
        _write(self.settings / "config.json", content)

    def write_policies(self, stage: Stage, policies: Mapping[str, Mapping[str, Any]]) -> None:
        for name, document in policies.items():
            _write(self.settings / stage.policy_file(name), document)

    def forget_bundles(self) -> None:
        """Delete earlier bundles: Chalice keeps them all, and reuses parts of them."""
        for bundle in (self.settings / "deployments").glob("*.zip"):
            bundle.unlink()

    def write_deployed(self, stage: Stage, record: Mapping[str, Any]) -> None:
        """Replace Chalice's record of what is deployed."""
        if not record["resources"]:
            self._deployed(stage).unlink(missing_ok=True)
            return
        _write(self._deployed(stage), record)

    def forget(self, stage: Stage) -> None:
        """Delete the stage's files and its part of `config.json`."""
        content = self._config()
        if content.get("stages", {}).pop(stage.name, None) is not None:
            _write(self.settings / "config.json", content)
        self._deployed(stage).unlink(missing_ok=True)
        for file in self.settings.glob(stage.policy_file("*")):
            file.unlink(missing_ok=True)

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
    """Write the file atomically: a killed command leaves no partial file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
