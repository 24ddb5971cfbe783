"""The state folder of the local cloud, and the lock that reserves it for one process."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from chalicelib.local.startup_error import USAGE_ERROR, StartupError

VARIABLE = "ORCHESTRATOR_HOME"
SERVING_FILE = "serving.json"


@dataclass(frozen=True)
class Home:
    """The folder, locked while `lock` is open. `identity` is unique to this folder; a folder that
    is deleted and created again gets a new one."""

    folder: Path
    lock: TextIO
    identity: str

    def announce(self, url: str, endpoint: str) -> None:
        """Tell other programs where this local cloud serves. Valid while the lock is held."""
        text = json.dumps({"url": url, "endpoint": endpoint})
        temporary = self.folder / f".{SERVING_FILE}"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.folder / SERVING_FILE)

    @property
    def database(self) -> Path:
        # A folder of its own: the database is published by renaming the folder into place.
        return self.folder / "database" / "orchestrator.db"

    @property
    def dags(self) -> Path:
        return self.folder / "dags"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def claim_journal(self) -> Path:
        """The folder of the newest claims."""
        return self.folder / "claim-journal"

    @property
    def buckets(self) -> Path:
        """The buckets that users create."""
        return self.folder / "buckets"

    @property
    def programs(self) -> Path:
        """Links to the programs that commands find, if these are Lambda's."""
        return self.folder / "programs"

    @property
    def copied_files(self) -> Path:
        return self.folder / "copied-files.json"


def choose(setting: str, environ: Mapping[str, str]) -> Path:
    """Returns the setting, or `orchestrator` in the XDG state folder."""
    if setting:
        return Path(setting).expanduser().absolute()
    state = environ.get("XDG_STATE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "orchestrator"


def take(folder: Path, project: Path) -> Home:
    """Create the folder if it is missing, and lock it. Raises StartupError."""
    _check_outside(folder, project)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("a+", encoding="utf-8")
        _lock(lock, folder)
        return Home(folder, lock, _identity(folder))
    except OSError as error:
        raise StartupError(
            f"cannot write to the state folder {folder}: {error.strerror or error};"
            f" set {VARIABLE} to a writable folder"
        ) from None


def _check_outside(folder: Path, project: Path) -> None:
    if folder.resolve().is_relative_to(project.resolve()):
        raise StartupError(
            f"{VARIABLE} is {folder}, inside the project folder, so Chalice would restart on every"
            " change of the state; choose a folder outside",
            USAGE_ERROR,
        )


def _lock(lock: TextIO, folder: Path) -> None:
    lock.seek(0)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartupError(
            f"another local cloud (process {lock.read().strip() or 'unknown'}) is using {folder};"
            f" stop it, or set {VARIABLE} to another folder"
        ) from None
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()


def _identity(folder: Path) -> str:
    path = folder / "identity"
    try:
        if text := path.read_text(encoding="ascii").strip():
            return text
    except FileNotFoundError:
        pass
    text = secrets.token_hex(8)
    path.write_text(text, encoding="ascii")
    return text
