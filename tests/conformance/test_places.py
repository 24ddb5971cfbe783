"""Each small DAG file does the same in every place: on workers and on Fargate as in this process.

`CONFORMANCE_PLACES=all` plays all cases that start a command. Otherwise a few are played: on a
worker those which together hold every row that an executor has a part in, on Fargate fewer still,
because each attempt starts two processes there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.conformance.case import Case, all_cases
from tests.conformance.places import FargatePlace, WorkerPlace, hosts_secrets
from tests.conformance.rows import rows
from tests.conformance.story import Story
from tests.integration.fargate.container_role import role_of_container

PLAYS_ALL = os.environ.get("CONFORMANCE_PLACES") == "all"
CASES = all_cases()

OF_EXECUTORS = (
    *("dag.env", "dag.files", "dag.secrets", "dag.tools", "env.", "outputs.", "secret.", "shell."),
    *("task.artifacts", "task.command", "task.cwd", "task.env", "task.execution_timeout"),
    *("task.image", "task.inputs", "task.outputs", "task.sensor", "task.skip_on_exit_code"),
    *("task.when", "template.in_command", "template.in_env", "template.in_when"),
    *("template.quoted", "tool.", "value."),
)
"""Rows, or the beginnings of their names, whose promise an executor keeps."""
ON_FARGATE = (
    "always_set",
    "env_levels",
    "execution_timeout",
    "outputs",
    "sensor_that_skips",
    "shell",
)
ON_WORKERS = (
    *ON_FARGATE,
    *("artifacts", "cwd", "files", "fresh_directory", "image", "outputs_limit"),
    *("outputs_promised", "param_short", "secrets", "template_in_env", "template_quoting"),
    *("tools", "value_everywhere", "when", "when_template"),
)


def played(names: tuple[str, ...]) -> list[Case]:
    return [case for case in CASES if PLAYS_ALL or case.name in names]


def test_the_cases_on_workers_hold_all_that_an_executor_has_a_part_in() -> None:
    covered = {row for case in CASES if case.name in ON_WORKERS for row in case.covers}
    assert [row for row in rows() if row.startswith(OF_EXECUTORS) and row not in covered] == []


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def worker(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPlace]:
    variables = {k: v for case in CASES for k, v in hosts_secrets(case.secrets).items()}
    output = tmp_path_factory.mktemp("worker") / "output.txt"
    place = WorkerPlace(endpoint, output, variables)
    with place.process.running():
        yield place


@pytest.fixture(scope="module")
def fargate(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FargatePlace]:
    with role_of_container() as url:
        yield FargatePlace(endpoint, tmp_path_factory.mktemp("fargate"), url)


@pytest.mark.parametrize("case", played(ON_WORKERS), ids=lambda case: case.name)
def test_a_file_does_the_same_on_a_worker(case: Case, worker: WorkerPlace, tmp_path: Path) -> None:
    Story(case, tmp_path, worker).tell()


@pytest.mark.parametrize("case", played(ON_FARGATE), ids=lambda case: case.name)
def test_a_file_does_the_same_on_fargate(case: Case, fargate: FargatePlace, tmp_path: Path) -> None:
    Story(case, tmp_path, fargate).tell()
