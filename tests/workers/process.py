"""A worker as a person starts it beside `chalice local`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import HANG_SECONDS

PROJECT = Path(__file__).resolve().parents[2]


class WorkerProcess:
    """One after the other; `settings` are environment variables, and what they print is appended to
    `output`."""

    def __init__(
        self, queue: str, endpoint: str, output: Path, parallelism: int = 2, **settings: str
    ) -> None:
        self.arguments = ["--queue", queue, "--parallelism", str(parallelism), "--local", endpoint]
        self.output = output
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ORCHESTRATOR_"))}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chalicelib.worker", *self.arguments],
                cwd=PROJECT,
                env={**kept, **self.settings},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self.process

    def kill(self) -> None:
        """Kill the process as the kernel does when memory is short."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """The exit code after two signals."""
        assert self.process is not None
        for _ in range(2):
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
        return self.process.wait(HANG_SECONDS)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        process = self.start()
        try:
            yield process
        finally:
            if self.process is not None and self.process.poll() is None:
                self.kill()

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")
