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
from chalicelib.fargate.remote import LOST_LATER_SECONDS, LOST_SECONDS, NEVER_LIVED
from chalicelib.fargate.shared_files import create_shared, read_shared, replace_shared
from chalicelib.messages import TaskMessage
from chalicelib.shebang import read_shebang

ANYBODY = 0o777
NO_CWD = "no-cwd"
"""The file that says that the command's folder is not in its image."""
_jobs = itertools.count(1)


class VolumeCommand:
    """One command. Its container may run as any user, so what it needs is open to anybody there.
    `lost`: after how many seconds without a sign of life that container is lost, if it never gave
    one, and if it did."""

    def __init__(
        self,
        volume: Path,
        message: TaskMessage,
        place: Workspace,
        root: str | None,
        tools: str | None,
        *,
        lost: tuple[float, float] = (LOST_SECONDS, LOST_LATER_SECONDS),
    ) -> None:
        self._lost = lost
        self._message = message
        self._place = place
        self._root = root
        self._tools = tools
        self._folder = volume / "jobs" / str(next(_jobs))

    def invocation(self, command: str, environ: Mapping[str, str]) -> Invocation:
        """Hand the command over, and return how to start the client."""
        script = "\n".join([*self._exports(environ), self._line(command), ""])
        try:
            self._folder.mkdir()
            create_shared(self._folder / "log", mode=0o666)
            create_shared(self._folder / "run", script)
        except FileExistsError:
            raise CannotStart("a command before it has put something in its place") from None
        self._folder.chmod(ANYBODY)
        self._open_to_anybody()
        arguments = ["-m", "chalicelib.fargate.remote", str(self._folder), *map(str, self._lost)]
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
        mark = shlex.quote(str(self._folder / NO_CWD))
        lines.append(f"cd {shlex.quote(self._cwd)} 2>/dev/null || {{ : > {mark}; exit 126; }}")
        return lines

    @property
    def _cwd(self) -> str:
        return (not self._root and self._message.cwd) or self._place.cwd

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
        """Raise CannotStart if the command's folder is not in its image, or if the other container
        is not there, or was lost. Only one that never lived may be started again as if nothing had
        happened: its command did not run."""
        if (self._folder / NO_CWD).exists():
            raise CannotStart(f"cwd `{self._cwd}` is not a directory where the command runs")
        try:
            state = read_shared(self._folder / "lost")
        except OSError:
            return
        image = self._message.image or "of Lambda"
        if state == NEVER_LIVED:
            raise CannotStart(
                f"the container of the image {image} did not start: see that the image exists, can"
                " be pulled and has `sh`",
                is_transient=True,
            )
        raise CannotStart(
            f"the container of the image {image} was lost while its command ran: it may have needed"
            " more memory than the task has"
        )

    def max_rss(self) -> int | None:
        """Return what the other container saw while the command ran."""
        try:
            return int(read_shared(self._folder / "peak")) * 1024 or None
        except (OSError, ValueError):
            return None

    def remove(self) -> None:
        """End the command, should it have outlived its client, which SIGKILL ends alone."""
        if (self._folder / "go").exists() and not (self._folder / "exit").exists():
            replace_shared(self._folder / "signal", "KILL")
