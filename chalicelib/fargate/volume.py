"""A command in the container beside this one, by way of the volume that both share.

The executor starts, watches and signals a client (`remote`), which passes output, signals and exit
code on, just as it does with the client of a container engine. The working directory and
$DAG_OUTPUT are in the volume, at the same path in both containers.
"""

from __future__ import annotations

import itertools
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from chalicelib.executor.containers import IN_ANY_SHELL, is_of_the_machine
from chalicelib.executor.invocation import Invocation
from chalicelib.executor.workspace import CannotStart, Workspace
from chalicelib.messages import TaskMessage
from chalicelib.shebang import read_shebang

ANYBODY = 0o777
_jobs = itertools.count(1)


class VolumeCommand:
    """One command. Its container may run as any user, so what it needs is open to anybody there."""

    def __init__(
        self,
        volume: Path,
        message: TaskMessage,
        place: Workspace,
        root: str | None,
        tools: str | None,
    ) -> None:
        self._volume = volume
        self._message = message
        self._place = place
        self._root = root
        self._tools = tools
        self._folder = volume / "jobs" / str(next(_jobs))

    def invocation(self, command: str, environ: Mapping[str, str]) -> Invocation:
        """Hand the command over, and return how to start the client."""
        self._folder.mkdir(parents=True)
        self._folder.chmod(ANYBODY)
        (self._folder / "log").touch()
        (self._folder / "log").chmod(0o666)
        script = "\n".join([*self._exports(environ), self._line(command), ""])
        (self._folder / "run").write_text(script, "utf-8", errors="surrogateescape")
        self._open_to_anybody()
        arguments = ["-m", "chalicelib.fargate.remote", str(self._folder)]
        return Invocation(sys.executable, [sys.executable, *arguments])

    def environ(
        self,
        given: Mapping[str, str],  # noqa: ARG002 - all of it is in the job
        own: Mapping[str, str],
    ) -> dict[str, str]:
        """Return the client's environment, which is none of the command's."""
        kept = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "HOME", "LANG")
        return {name: own[name] for name in kept if name in own}

    def _exports(self, environ: Mapping[str, str]) -> list[str]:
        lines = []
        for name, value in {**environ, "HOME": self._place.home}.items():
            is_own = name in self._message.env or name == "HOME"
            if is_own or not is_of_the_machine(name):
                lines.append(f"export {name}={shlex.quote(value)}")
        if self._tools:
            lines.append(f"export PATH={shlex.quote(self._tools)}:$PATH")
        folder = (not self._root and self._message.cwd) or self._place.cwd
        lines.append(f"cd {shlex.quote(folder)} || exit 126")
        return lines

    def _line(self, command: str) -> str:
        shebang = read_shebang(command)
        if shebang is None:
            return f"set -- {shlex.quote(command)}\n{IN_ANY_SHELL}"
        if not shebang.program:
            raise CannotStart("the script's first line, #!, names no program")
        self._place.write_script(command)
        parts = [shebang.program, *filter(None, [shebang.argument]), self._place.script]
        return f"exec {shlex.join(parts)}"

    def _open_to_anybody(self) -> None:
        for path in filter(None, [self._place.home, self._root]):
            for folder, _, files in os.walk(path):
                Path(folder).chmod(ANYBODY)
                for name in files:
                    file = Path(folder, name)
                    if not file.is_symlink():
                        file.chmod(file.stat().st_mode | 0o666)

    def require_created(self) -> None:
        """Raise CannotStart if the other container is not there."""
        if (self._folder / "lost").exists():
            raise CannotStart(
                f"the container of the image {self._message.image} is not there, or was lost: its"
                " image may have no `sh`, or the command needed more memory than the task has",
                is_transient=True,
            )

    def remove(self) -> None:
        """End the command, should it have outlived its client, which SIGKILL ends alone."""
        if (self._folder / "go").exists() and not (self._folder / "exit").exists():
            write(self._folder / "signal", "KILL")


def write(file: Path, text: str) -> None:
    """Write the file at once: whoever looks sees all of it or nothing."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)
