"""What a command finds around it: its environment and its directories."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


class CannotStart(Exception):
    """The command could not be started at all; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Shell:
    """`path` of the program, `name` as which it is called and signs its complaints."""

    path: str
    name: str


def find_shell(search_path: str | None) -> Shell:
    """bash where there is one, else sh."""
    for name in ("bash", "sh"):
        if path := shutil.which(name, path=search_path or os.defpath):
            return Shell(path, name)
    return Shell("/bin/sh", "sh")


@dataclass(frozen=True, slots=True)
class Workspace:
    """`cwd` to run in, the file `output`, empty, for what the command has to hand on, and the
    folder `home` that holds both, for a machine that has no home for its user."""

    cwd: str
    output: str
    home: str

    def environ(self, given: Mapping[str, str]) -> dict[str, str]:
        home = given.get("HOME", "")
        # Lambda sets no HOME, and what programs take instead is read-only there.
        has_home = home != "" and os.access(home, os.W_OK)
        return {**given, "DAG_OUTPUT": self.output, "HOME": home if has_home else self.home}


@contextmanager
def workspace(cwd: str | None) -> Iterator[Workspace]:
    """A private folder, gone at the end with all that was left in it. In it the output file and,
    unless the command has a `cwd` of its own, the fresh directory that it runs in. Raises
    CannotStart."""
    with _explained():
        root = tempfile.mkdtemp(prefix="attempt-")
    fresh, output = f"{root}/work", f"{root}/output"
    try:
        with _explained():
            os.close(os.open(output, os.O_CREAT | os.O_WRONLY, 0o600))
            if cwd is None:
                Path(fresh).mkdir(mode=0o700)
        yield Workspace(fresh if cwd is None else cwd, output, root)
    finally:
        _remove(root, fresh, output)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotStart(
            f"no folder could be made for the command: {error.strerror}; see that commands leave"
            " room in the executor's temporary storage"
        ) from error


def _remove(root: str, fresh: str, output: str) -> None:
    # Nearly every command leaves nothing; then this is a fraction of what a tree walk costs.
    with suppress(OSError):
        os.unlink(output)  # noqa: PTH108
        with suppress(FileNotFoundError):
            os.rmdir(fresh)  # noqa: PTH106
        os.rmdir(root)  # noqa: PTH106
        return
    shutil.rmtree(root, ignore_errors=True)
    if os.path.lexists(root):
        _open_up(root)
        shutil.rmtree(root, ignore_errors=True)


def _open_up(root: str) -> None:
    """Undo a `chmod a-w` on folders, which would keep their contents for ever."""
    for folder, _, _ in os.walk(root):
        with suppress(OSError):
            os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    os.chmod(entry.path, stat.S_IRWXU)  # noqa: PTH101
