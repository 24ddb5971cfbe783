"""Virtual environments that tests need beside the one they run in."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path


def python_with(python: Path, name: str, *requirements: Path) -> Path:
    """The interpreter of an environment made by `python`, below the user's cache, in which the last
    of `requirements` is installed; the others are those that it includes. Made anew when one of
    them changes."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    wanted = hashlib.sha256(b"\0".join(file.read_bytes() for file in requirements)).hexdigest()
    folder = cache / f"orchestrator-{name}"
    made, done = folder / "bin" / "python", folder / "installed"
    if not done.is_file() or done.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([made, "-m", "pip", "install", "-q", "-r", requirements[-1]], check=True)
        done.write_text(wanted)
    return made
