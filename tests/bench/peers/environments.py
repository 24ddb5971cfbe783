"""The peers' own virtual environments: `python -m tests.bench.peers.environments` makes them anew.

They lie in the user's cache, outside this project, and nothing of them becomes a dependency of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peers.measure import Unavailable

INSTALLATION_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with one package of PyPI in it."""

    package: str
    version: str

    @property
    def folder(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "orchestrator-bench" / f"{self.package}-{self.version}"

    @property
    def _done(self) -> Path:
        """Written last: an installation that was interrupted is made anew."""
        return self.folder / "installed"

    def program(self, name: str) -> str:
        """The path of a program in it. It is installed first if need be. Raises Unavailable."""
        if not self._done.exists():
            self.install()
        return str(self.folder / "bin" / name)

    def install(self) -> None:
        """Make it anew. Raises Unavailable with the last line that pip wrote."""
        shutil.rmtree(self.folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(self.folder)])
        pip = [str(self.folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", f"{self.package}=={self.version}"])
        self._done.touch()


LUIGI = Environment("luigi", "3.8.1")
PREFECT = Environment("prefect", "3.9.1")
ALL = (LUIGI, PREFECT)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALLATION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{' '.join(command[-2:])}: {error}") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise Unavailable(f"{' '.join(command[-2:])} failed: {lines[-1]}")


if __name__ == "__main__":
    for environment in ALL:
        environment.install()
        print(environment.folder)
