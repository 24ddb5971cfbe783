"""Luigi: luigid, and one `luigi` command with four workers for each workload, which is how it runs:
the command's own start is part of the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.machine import free_port
from tests.bench.peers.environments import LUIGI
from tests.bench.peers.measure import THREADS, Idle, Work
from tests.bench.peers.processes import Server, clean_environ, command, server

TITLE = f"Luigi {LUIGI.version}"
PROGRAMS = Path(__file__).with_name("programs")


class LuigiSystem:
    """A running luigid. Each task writes its times into a file of its own, which is also its
    output in Luigi's sense."""

    def __init__(self, luigid: Server, folder: Path, port: int) -> None:
        self._luigid, self._folder, self._port = luigid, folder, port
        self._number = 0

    def chain(self, length: int) -> Work:
        return self._run("Chain", length, length=length)

    def fan_out(self, width: int) -> Work:
        return self._run("Join", width + 2, width=width)

    def many(self, count: int) -> Work:
        return self._run("Many", count * 5, count=count, length=5)

    def idle(self, seconds: float) -> Idle:
        return self._luigid.idle(seconds)

    def _run(self, task: str, wanted: int, **options: int) -> Work:
        self._number += 1
        marks = self._folder / f"marks-{self._number}"
        marks.mkdir()
        words = [LUIGI.program("luigi"), "--module", "luigi_tasks", task, "--name", marks.name]
        words += [word for name, n in options.items() for word in (f"--{name}", str(n))]
        words += ["--workers", str(THREADS), "--no-lock", "--log-level", "WARNING"]
        words += ["--scheduler-host", "127.0.0.1", "--scheduler-port", str(self._port)]
        environ = clean_environ(PYTHONPATH=str(PROGRAMS), MARKS=str(marks))
        requested_at = time.time()
        command(words, self._folder, environ)
        spans = [tuple(map(float, mark.read_text().split())) for mark in marks.iterdir()]
        return Work(requested_at, wanted, [(start, end) for start, end in spans])


@contextmanager
def started(folder: Path) -> Iterator[LuigiSystem]:
    """luigid on loopback. Raises Unavailable."""
    port = free_port()
    words = [LUIGI.program("luigid"), "--address", "127.0.0.1", "--port", str(port)]
    words += ["--logdir", str(folder), "--state-path", str(folder / "state.pickle")]
    url = f"http://127.0.0.1:{port}/api/task_list?data=%7B%22status%22%3A%22DONE%22%7D"
    with server(words, url, folder, clean_environ()) as luigid:
        yield LuigiSystem(luigid, folder, port)
