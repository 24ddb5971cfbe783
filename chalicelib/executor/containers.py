"""Runs a command in a container image, by Docker or Podman.

The engine's client is the process that the executor starts, watches and signals: it passes output,
signals and the exit code on. What the command is given travels in the client's environment, so that
no secret stands in an argument that others on this machine can read.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chalicelib.executor.invocation import Invocation
from chalicelib.executor.workspace import CannotStart, Workspace
from chalicelib.messages import TaskMessage
from chalicelib.shebang import read_shebang

ENGINES = ("docker", "podman")
REMOVE_SECONDS = 20.0
_OF_THE_MACHINE = frozenset({"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"})
"""Variables of this machine that mean nothing in an image."""
_OF_THE_ENGINE = ("DOCKER_", "CONTAINER_", "XDG_")
IN_ANY_SHELL = (
    'if command -v bash >/dev/null 2>&1; then exec bash -c -- "$1"; else exec sh -c "$1"; fi'
)


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine: the path of its client, and its name."""

    path: str
    name: str


class RemoteCommand(Protocol):
    """A command that runs elsewhere, behind a client that the executor starts and watches."""

    def invocation(self, command: str, environ: Mapping[str, str]) -> Invocation:
        """Return how to start the client. Raises CannotStart."""

    def environ(self, given: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
        """Return the client's environment; `own` is this process's."""

    def require_created(self) -> None:
        """Raise CannotStart if the command never ran."""

    def max_rss(self) -> int | None:
        """Return the peak memory in bytes of the command's processes, as far as it was seen."""

    def remove(self) -> None:
        """Remove what may have outlived the client."""


RunsCommandsBy = Callable[[TaskMessage, Workspace, str | None, str | None], RemoteCommand]
"""Makes the command of a message in a place; with the folder of what the task brings along, and
that of its tools, if there are any."""


def is_of_the_machine(name: str) -> bool:
    """Whether the variable means nothing in an image."""
    return name in _OF_THE_MACHINE or name.startswith("LC_")


def find_engine(search_path: str | None) -> Engine:
    """Return Docker or Podman. Raises CannotStart without either."""
    for name in ENGINES:
        if path := shutil.which(name, path=search_path or os.defpath):
            return Engine(path, name)
    raise CannotStart(
        "this machine has no container engine for the task's image: install Docker or Podman, or"
        " set ORCHESTRATOR_IMAGES=host to run such commands without their image"
    )


@dataclass(frozen=True)
class Container:
    """One container for one command. `mounts` are folders of this machine that it sees at the same
    path; `tools` is a folder whose programs it finds first."""

    engine: Engine
    message: TaskMessage
    place: Workspace
    mounts: tuple[str, ...] = ()
    tools: str | None = None
    name: str = field(default_factory=lambda: f"orchestrator-{os.urandom(8).hex()}")

    @property
    def _id_file(self) -> str:
        return f"{self.place.home}/container-{self.name}"

    def invocation(self, command: str, environ: Mapping[str, str]) -> Invocation:
        """Return how to start the engine's client."""
        return Invocation(
            self.engine.path,
            [self.engine.name, "run", *self._options(environ), *self._command(command)],
        )

    def _options(self, environ: Mapping[str, str]) -> list[str]:
        message = self.message
        options = ["--rm", "--init", "--name", self.name, "--cidfile", self._id_file]
        # The command reaches what this machine reaches, the local S3 and SQS included.
        options += ["--network", "host", "--workdir", self._workdir]
        if self.engine.name == "docker":  # else root's files would stay behind
            options += ["--user", f"{os.getuid()}:{os.getgid()}"]
        for folder in dict.fromkeys((self.place.home, *self.mounts)):
            options += ["--volume", f"{folder}:{folder}"]
        if message.memory_mb is not None:
            memory = f"{message.memory_mb}m"
            options += ["--memory", memory, "--memory-swap", memory]
        if message.vcpu is not None:
            options += ["--cpus", f"{message.vcpu:g}"]
        for name in self._passed_on(environ):
            options += ["--env", name]  # its value is the client's own
        return [*options, "--env", f"HOME={self.place.home}"]

    @property
    def _workdir(self) -> str:
        # The folder of what a task brings along already has its `cwd` in it.
        return (not self.mounts and self.message.cwd) or self.place.cwd

    def _passed_on(self, environ: Mapping[str, str]) -> Iterable[str]:
        for name in environ:
            if name in self.message.env or not is_of_the_machine(name):
                yield name

    def _command(self, command: str) -> list[str]:
        image = str(self.message.image)
        shebang = read_shebang(command)
        if shebang is None:
            first = f"PATH={shlex.quote(self.tools)}:$PATH; " if self.tools else ""
            return ["--entrypoint", "sh", image, "-c", first + IN_ANY_SHELL, "sh", command]
        if not shebang.program:
            raise CannotStart("the script's first line, #!, names no program")
        self.place.write_script(command)
        arguments = [shebang.argument] if shebang.argument else []
        return ["--entrypoint", shebang.program, image, *arguments, self.place.script]

    def environ(self, given: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
        """Return the client's environment: what the command is given, and what the engine needs of
        this process's own."""
        needed = {k: v for k, v in own.items() if k.startswith(_OF_THE_ENGINE)}
        return {**needed, **given}

    def require_created(self) -> None:
        """Raise CannotStart if the engine never made the container: then the command did not run,
        whatever the client's exit code says."""
        if not Path(self._id_file).exists():
            raise CannotStart(
                f"{self.engine.name} could not run the image {self.message.image}: the log has its"
                " reason. Check that its daemon runs and that the image exists, or set"
                " ORCHESTRATOR_IMAGES=host to run such commands without their image"
            )

    def max_rss(self) -> int | None:
        """Return None: the processes are the engine's, which tells nothing of them."""
        return None

    def remove(self) -> None:
        """Remove the container, should it have outlived its client, which SIGKILL ends alone."""
        if not Path(self._id_file).exists():
            return
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [self.engine.path, "rm", "--force", self.name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=REMOVE_SECONDS,
                check=False,
            )
