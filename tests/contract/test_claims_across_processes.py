"""Processes race for claims, as executors on many machines do: one wins, and all agree on which."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.contract.claim_race import NAME, attempts, client
from tests.support.claims_table import create_claims_table

ATTEMPTS = 40


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """S3 and DynamoDB of moto, one request at a time: moto checks the condition of a write and
    writes in two steps, S3 and DynamoDB in one."""
    answer = DomainDispatcherApplication(create_backend_app)
    lock = threading.Lock()

    def one_at_a_time(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        with lock:
            return list(answer(environ, start))

    server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    where = f"http://127.0.0.1:{server.server_port}"
    client("s3", where).create_bucket(Bucket=NAME)
    create_claims_table(client("dynamodb", where), NAME)
    yield where
    server.shutdown()
    thread.join()


def race(stores: Sequence[str], where: str) -> list[dict[str, str | None]]:
    """A process for each store, started together; what each printed."""
    module = [sys.executable, "-m", "tests.contract.claim_race"]
    processes = [
        subprocess.Popen(
            [*module, store, str(number), str(ATTEMPTS), where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, store in enumerate(stores)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in processes]


def assert_one_wins(answers: list[dict[str, str | None]]) -> None:
    for attempt in attempts(ATTEMPTS):
        of_attempt = [answer[attempt.prefix] for answer in answers]
        (winner,) = [n for n, holder in enumerate(of_attempt) if holder is None]
        assert {holder for holder in of_attempt if holder is not None} == {f"process {winner}"}


def test_in_a_folder_one_process_wins(tmp_path: Path) -> None:
    assert_one_wins(race(["folder"] * 3, str(tmp_path)))


# Of the first, some know both stores and some only the previous one; of the second, some already
# believe that the transition is over.
@pytest.mark.parametrize("stores", [["both", "s3", "both"], ["both", "dynamodb", "both"]], ids=str)
def test_on_aws_one_process_wins_whichever_store_each_knows(
    endpoint: str, stores: list[str]
) -> None:
    client("dynamodb", endpoint).delete_table(TableName=NAME)
    create_claims_table(client("dynamodb", endpoint), NAME)
    s3 = client("s3", endpoint)
    for attempt in attempts(ATTEMPTS):
        s3.delete_object(Bucket=NAME, Key=f"{attempt.prefix}claim")
    assert_one_wins(race(stores, endpoint))
