"""A function's process as Lambda would start it: AWS's own runtime client in the folder of the
bundle, with nothing else to import from but the standard library and what Lambda brings along.

The process has no capability and may not call `prctl`, as on Lambda. Unlike there it sees this
machine's whole file system, and may write to it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from chalicelib.local.python_versions import RUNNING
from tests.support import lambda_sandbox
from tests.support.runtime_api import FunctionError, RuntimeApi

LAMBDAS_OWN = ("boto3", "awslambdaric")
"""The distributions that stand in for those of the Lambda runtime."""

OF_A_FUNCTION = "of-the-function-"
"""How the credentials of a function begin; its name follows."""


@dataclass(frozen=True)
class Function:
    """What a process is started with: `handler` as Lambda's configuration has it, `timeout` in
    seconds, `environ` complete but for the address of the Runtime API."""

    name: str
    arn: str
    handler: str
    timeout: float
    environ: Mapping[str, str]
    bundle: Path


class Sandbox:
    """One process, which answers one event after the other until it is killed."""

    def __init__(self, function: Function, log: Path) -> None:
        self._api = RuntimeApi(function.arn)
        self._timeout = function.timeout
        self._log = log
        environ = {**function.environ, "AWS_LAMBDA_RUNTIME_API": self._api.address}
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*restricted(), *python(), "-m", "awslambdaric", function.handler],
                cwd=function.bundle,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        threading.Thread(target=self._watch, daemon=True).start()

    def invoke(self, event: Any) -> Any:
        """The function's answer. Raises FunctionError, also when the process ends."""
        return self._api.invoke(event, seconds=self._timeout)

    def kill(self) -> None:
        """End it as Lambda ends a sandbox: at once, with all that runs in it."""
        if not self.is_alive:
            return
        for pid in list(_with_descendants(self.process.pid)):
            # The function is the first: it must not see its command die.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        """Once, at the end."""
        self.kill()
        self._api.close()

    def peak_memory_mb(self) -> float:
        """The most that the process has had in memory, in units of 1,000,000 bytes; without its
        children."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1_000_000

    def processor_ms(self) -> float:
        """The time of a processor that the process has had, without its children; in steps of
        10."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def _watch(self) -> None:
        code = self.process.wait()
        end = self._log.read_text(errors="replace")[-2000:]
        self._api.end(FunctionError(f"the process ended with {code}; its log ends with:\n{end}"))


def restricted() -> list[str]:
    """What Lambda's sandbox refuses is refused to the command that follows, where this machine can
    do that."""
    script = str(Path(lambda_sandbox.__file__))
    return [sys.executable, script] if lambda_sandbox.is_possible() else []


def python() -> list[str]:
    """A Python without `site`, so that no installed package can help out."""
    return [sys.executable, "-S"]


def lambda_environ(
    name: str, handler: str, memory: int, bundle: Path, runtime: Path
) -> dict[str, str]:
    """The variables that Lambda itself sets. The credentials open nothing, but tell the functions
    apart."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]0123456789abcdef",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{RUNNING}",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": f"{OF_A_FUNCTION}{name}",
        "AWS_SECRET_ACCESS_KEY": f"{OF_A_FUNCTION}{name}",
        "AWS_SESSION_TOKEN": f"{OF_A_FUNCTION}{name}",
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(bundle),
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "PYTHONPATH": str(runtime),
        # On Lambda the bundle's folder is read-only: byte code of it is never kept.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }


def make_runtime(folder: Path) -> Path:
    """Fill a folder with links to what stands in for the Lambda runtime."""
    folder.mkdir()
    for name in sorted(_with_requirements(LAMBDAS_OWN)):
        distribution = metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for top in tops:
            (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder


def _with_requirements(names: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            required = metadata.requires(name) or []
            waiting += [re.split(r"[^\w.-]", r)[0] for r in required if "extra ==" not in r]
    return found


def _with_descendants(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _with_descendants(int(child))
