"""What a command finds around it: its environment and its directories."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from chalicelib.executor.cleanup import Cleaner

# What a machine runs out of, and another one, or this one later, may have.
_SCARCE = frozenset(
    {
        errno.EAGAIN,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOSPC,
    }
)


WORK, OUTPUT, SCRIPT_NAME = "work", "output", "script"
_NEW_SCRIPT = os.O_CREAT | os.O_WRONLY | os.O_TRUNC


class CannotStart(Exception):
    """The command could not be started at all; the text says why and what to do. `is_transient`:
    the same command may be started later; `is_permanent`: no later attempt can be, either."""

    def __init__(
        self, text: str, *, is_transient: bool = False, is_permanent: bool = False
    ) -> None:
        super().__init__(text)
        self.is_transient = is_transient
        self.is_permanent = is_permanent


def is_scarcity(error: Exception) -> bool:
    """Whether the system refused something only because it has too little left of it now."""
    return isinstance(error, OSError) and error.errno in _SCARCE


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
    folder `home` that holds both, for a machine that has no home for its user; a `script` may be
    written there, too."""

    cwd: str
    output: str
    home: str

    @property
    def script(self) -> str:
        return f"{self.home}/{SCRIPT_NAME}"

    def write_script(self, text: str) -> None:
        """Write the script that the command is. Raises CannotStart."""
        with explained(), os.fdopen(os.open(self.script, _NEW_SCRIPT, 0o600), "wb") as file:
            file.write(text.encode(errors="surrogatepass"))

    def environ(self, given: Mapping[str, str]) -> dict[str, str]:
        home = given.get("HOME", "")
        # Lambda sets no HOME, and what programs take instead is read-only there.
        has_home = home != "" and os.access(home, os.W_OK)
        return {**given, "DAG_OUTPUT": self.output, "HOME": home if has_home else self.home}


@contextmanager
def workspace(cwd: str | None, cleaner: Cleaner) -> Iterator[Workspace]:
    """A private folder: in it the output file and, unless the command has a `cwd` of its own, the
    fresh directory that it runs in. `cleaner` removes it with all that is in it. Raises
    CannotStart."""
    root = f"{tempfile.gettempdir()}/attempt-{_token()}-{next(_numbers)}"
    fresh, output = f"{root}/{WORK}", f"{root}/{OUTPUT}"
    with explained():
        os.mkdir(root, 0o700)  # noqa: PTH102
    try:
        with explained():
            os.close(os.open(output, os.O_CREAT | os.O_WRONLY, 0o600))
            if cwd is None:
                os.mkdir(fresh, 0o700)  # noqa: PTH102
        yield Workspace(fresh if cwd is None else cwd, output, root)
    finally:
        cleaner.remove(root, folder=WORK, file=OUTPUT)


_numbers = itertools.count()


@cache
def _token() -> str:
    """Return this process's name, which nobody guesses, at a tenth of what `mkdtemp` costs."""
    return os.urandom(8).hex()


@contextmanager
def explained() -> Iterator[None]:
    """Raise CannotStart where nothing can be written."""
    try:
        yield
    except OSError as error:
        raise CannotStart(
            f"no folder could be made for the command: {error.strerror}; see that commands leave"
            " room in the executor's temporary storage",
            is_transient=is_scarcity(error),
        ) from error
