"""Prefect: its server on SQLite, and flows called in one process. No worker, no deployment and no
wait for a poll is measured, which favours it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.machine import free_port
from tests.bench.peers.environments import PREFECT
from tests.bench.peers.measure import THREADS, Idle, Work
from tests.bench.peers.processes import Server, clean_environ, command, server

TITLE = f"Prefect {PREFECT.version}"
PROGRAM = Path(__file__).with_name("programs") / "prefect_flows.py"
LIMIT_SECONDS = 60
"""After which no further flow of `many` begins: 200 of them can take ten minutes."""


class PrefectSystem:
    """A running server."""

    def __init__(self, running: Server, folder: Path, environ: dict[str, str]) -> None:
        self._server, self._folder, self._environ = running, folder, environ

    def chain(self, length: int) -> Work:
        return self._run(length, "chain", length)

    def fan_out(self, width: int) -> Work:
        return self._run(width + 2, "fan_out", width)

    def many(self, count: int) -> Work:
        return self._run(count * 5, "many", count, 5, THREADS, LIMIT_SECONDS)

    def idle(self, seconds: float) -> Idle:
        return self._server.idle(seconds)

    def _run(self, wanted: int, name: str, *numbers: int) -> Work:
        answer = self._folder / "answer.json"
        words = [PREFECT.program("python"), str(PROGRAM), str(answer), name, *map(str, numbers)]
        command(words, self._folder, self._environ)
        done = json.loads(answer.read_text())
        return Work(done["requested_at"], wanted, [(start, end) for start, end in done["spans"]])


@contextmanager
def started(folder: Path) -> Iterator[PrefectSystem]:
    """The server on loopback, in a home of its own. Raises Unavailable."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    environ = clean_environ(
        PREFECT_HOME=str(folder / "home"),
        PREFECT_API_URL=url,
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        DO_NOT_TRACK="1",
    )
    words = [PREFECT.program("prefect"), "server", "start"]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    with server(words, f"{url}/health", folder, environ) as running:
        yield PrefectSystem(running, folder, environ)
