"""Servers and commands of a peer: their output goes to files, and a process is stopped by its own
process group only."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.machine import descendants_of, processor_seconds, resident_mb
from tests.bench.peers.measure import Idle, Unavailable

START_SECONDS = 120
COMMAND_SECONDS = 600
GRACE_SECONDS = 10


def clean_environ(**values: str) -> dict[str, str]:
    """This process's environment without settings of ours, of AWS or of a peer."""
    foreign = ("ORCHESTRATOR_", "AWS_", "LUIGI_", "PREFECT_", "DAGU_", "PYTHON")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "NO_PROXY": "*",
        **values,
    }


class Server:
    """A running process that answers at `url`."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self._process, self._url, self._log = process, url, log
        self._started = time.monotonic()
        self.first_answer_s = 0.0

    def wait_until_it_answers(self) -> None:
        """Raises Unavailable if it ends, or does not answer in two minutes."""
        while not _answers(self._url):
            if self._process.poll() is not None:
                raise Unavailable(f"the server ended: {last_line(self._log)}")
            if time.monotonic() - self._started > START_SECONDS:
                raise Unavailable(f"no answer at {self._url} within {START_SECONDS} s")
            time.sleep(0.02)
        self.first_answer_s = time.monotonic() - self._started

    def idle(self, seconds: float) -> Idle:
        """Watch it and its children for that long, after what runs at the start has ended."""
        return watched([self._process.pid], seconds, self.first_answer_s)


def watched(roots: Sequence[int], seconds: float, first_answer_s: float) -> Idle:
    """What the processes and their descendants use while nothing is asked of them."""
    time.sleep(min(seconds, 5.0))
    pids = [pid for root in roots for pid in (root, *descendants_of(root))]
    before, begun = sum(map(processor_seconds, pids)), time.monotonic()
    time.sleep(seconds)
    used = sum(map(processor_seconds, pids)) - before
    percent = 100 * used / (time.monotonic() - begun)
    return Idle(sum(map(resident_mb, pids)), percent, first_answer_s)


@contextmanager
def server(
    command: Sequence[str], url: str, folder: Path, environ: Mapping[str, str]
) -> Iterator[Server]:
    """Run a server until the block ends. Raises Unavailable."""
    log = folder / "server.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(str(error)) from None
    try:
        running = Server(process, url, log)
        running.wait_until_it_answers()
        yield running
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def command(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
    """Run a command to its end. Raises Unavailable with the last line that it wrote."""
    log = folder / "command.log"
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                words,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(str(error)) from None
    if done.returncode:
        raise Unavailable(f"{Path(words[0]).name} failed: {last_line(log)}")


def last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
