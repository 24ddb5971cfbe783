"""Chalice's command line with three changes.

- A new setting, `lambda_python_version`. Chalice 1.34 gives the functions the Python that it runs
  on itself ("We may open this up to configuration later", says its source), so two people who
  deploy in turn would change the functions' runtime.
- Chalice does not download packages: `vendor` has them, as the functions need them.
- The bundle has neither documentation nor what only people's machines run, although Chalice packs
  every file of `chalicelib`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

from chalice.cli import main as chalice
from chalice.config import Config
from chalice.deploy.packager import BaseLambdaDeploymentPackager, DependencyBuilder

NOT_ON_LAMBDA = tuple(f"chalicelib/{room}/" for room in ("cli", "local", "simulation", "worker"))

_files_of_the_app = BaseLambdaDeploymentPackager._iter_app_filenames


def main() -> None:
    """Run Chalice; does not return."""
    # Chalice would warn that the configured Python is not the one it runs on.
    warnings.filterwarnings("ignore", message="You are currently running python")
    Config.lambda_python_version = property(_configured)  # type: ignore[method-assign, assignment]
    DependencyBuilder.build_site_packages = _leave_to_vendor  # type: ignore[method-assign, assignment]
    BaseLambdaDeploymentPackager._iter_app_filenames = _needed_on_lambda  # type: ignore[method-assign, assignment]
    sys.exit(chalice())


def _configured(config: Config) -> str:
    stage = config.config_from_disk["stages"][config.chalice_stage]
    return str(stage["lambda_python_version"])


def _leave_to_vendor(builder: DependencyBuilder, abi: str, requirements: str, target: str) -> None:
    """Do nothing; the packages are in `vendor`."""


def _needed_on_lambda(
    packager: BaseLambdaDeploymentPackager, project: str
) -> Iterator[tuple[str, str]]:
    """Yields the app's files and their names in the bundle."""
    for path, name in _files_of_the_app(packager, project):
        if not name.endswith(".md") and not name.startswith(NOT_ON_LAMBDA):
            yield path, name
