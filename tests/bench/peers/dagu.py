"""Dagu, from a binary: `dagu start FILE` for each DAG, four at a time, and `start-all` for the idle
footprint. Dagu records whole seconds, so each step writes its own times."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.bench.machine import free_port
from tests.bench.peers.measure import THREADS, Idle, Unavailable, Work
from tests.bench.peers.processes import Server, clean_environ, command, server


class DaguSystem:
    """A running `dagu start-all`."""

    def __init__(self, running: Server, binary: Path, folder: Path, environ: Mapping[str, str]):
        self._server, self._binary, self._folder = running, binary, folder
        self._environ = environ
        self._number = 0

    def chain(self, length: int) -> Work:
        return self._run({"chain": _chain(length)})

    def fan_out(self, width: int) -> Work:
        middle = [f"t{n}" for n in range(width)]
        tasks = {"first": [], **{name: ["first"] for name in middle}, "last": middle}
        return self._run({"wide": tasks})

    def many(self, count: int) -> Work:
        return self._run({f"many_{n}": _chain(5) for n in range(count)})

    def idle(self, seconds: float) -> Idle:
        return self._server.idle(seconds)

    def _run(self, dags: Mapping[str, Mapping[str, Sequence[str]]]) -> Work:
        self._number += 1
        marks = self._folder / f"marks-{self._number}"
        marks.mkdir()
        files = [self._write(name, tasks, marks) for name, tasks in dags.items()]
        requested_at = time.time()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._start, files))
        spans = [_span(mark.read_text()) for mark in marks.iterdir()]
        return Work(requested_at, sum(map(len, dags.values())), spans)

    def _start(self, file: Path) -> None:
        home = file.with_suffix("")
        home.mkdir(exist_ok=True)
        command([str(self._binary), "start", str(file)], home, self._environ)

    def _write(self, name: str, tasks: Mapping[str, Sequence[str]], marks: Path) -> Path:
        rows = ["steps:"]
        for task, dependencies in tasks.items():
            rows.append(f"  - name: {task}")
            rows.append("    command: date +%s.%N")
            rows.append(f"    stdout: {marks}/{name}.{task}")
            if dependencies:
                rows.append(f"    depends: [{', '.join(dependencies)}]")
        file = self._folder / "dags" / f"{name}.yaml"
        file.write_text("\n".join([*rows, ""]))
        return file


def _chain(length: int) -> dict[str, list[str]]:
    return {f"t{n}": [f"t{n - 1}"] if n else [] for n in range(length)}


def _span(text: str) -> tuple[float, float]:
    """A step's command takes no longer than `true`: it starts and ends at once."""
    return float(text.split()[0]), float(text.split()[0])


@contextmanager
def started(folder: Path, binary: Path) -> Iterator[DaguSystem]:
    """Server and scheduler on loopback, in a home of their own. Raises Unavailable."""
    if not binary.is_file():
        raise Unavailable(f"{binary} is not a file")
    (folder / "dags").mkdir()
    port = free_port()
    environ = clean_environ(
        HOME=str(folder), DAGU_HOME=str(folder / "home"), DAGU_HOST="127.0.0.1", DAGU_PORT=str(port)
    )
    words = [str(binary.resolve()), "start-all", "--dags", str(folder / "dags")]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    with server(words, f"http://127.0.0.1:{port}/", folder, environ) as running:
        yield DaguSystem(running, binary.resolve(), folder, environ)
