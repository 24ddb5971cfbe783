"""The program as it was at an earlier commit, in a temporary folder."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.machine import ROOT


class UnknownCommit(Exception):
    """The text names what is no commit of this repository, and what git said."""


@contextmanager
def checked_out(name: str) -> Iterator[Path]:
    """A folder with all files of that commit, removed at the end. Raises UnknownCommit."""
    files = _git("archive", "--format=tar", full_hash(name))
    with tempfile.TemporaryDirectory(prefix="orchestrator-bench-commit-") as folder:
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def full_hash(name: str) -> str:
    """The hash of the commit that a branch, tag or abbreviation names. Raises UnknownCommit."""
    # `--end-of-options`, because a name may begin with a dash.
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    try:
        return _git(*asked).decode().strip()
    except UnknownCommit:
        raise UnknownCommit(
            f"{name!r} is no commit of this repository; `git log --oneline` lists them"
        ) from None


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise UnknownCommit(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
