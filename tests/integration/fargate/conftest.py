"""Tasks on Fargate, each as two processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from chalicelib.messages import Attempt, TaskMessage
from tests.integration.fargate.two_processes import SHELLS, Task


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def make(endpoint: str, tmp_path: Path) -> Iterator[Any]:
    made: list[Task] = []

    def task(command: str | TaskMessage, shell: list[str] = SHELLS[0], **fields: Any) -> Task:
        attempt = Attempt("d", os.urandom(8).hex(), "t", -1, 1)
        message = (
            TaskMessage(attempt, command, **{"log_in_result": 4096, **fields})
            if isinstance(command, str)
            else command
        )
        made.append(Task(endpoint, tmp_path / str(len(made)), shell, message))
        made[-1].prepare()
        return made[-1]

    yield task
    for one in made:
        for process in one.processes:
            process.kill()
            process.wait()
