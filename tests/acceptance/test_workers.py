"""Workers as separate processes beside `chalice local`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.local_cloud import PROJECT, LocalCloud, processes_that_mention
from tests.support.waiting import HANG_SECONDS, eventually
from tests.workers.process import WorkerProcess

SLOW = """
name: {name}
tasks:
  - id: work
    queue: office
    command: touch {folder}/begun; until [ -e {folder}/go ]; do sleep 0.05; done; echo finished
"""

NOSY = """
name: Nosy
secrets: {WORD: "env:SHARED_WORD"}
tasks:
  - id: look
    queue: office
    env: {GIVEN: yes}
    command: env | sort
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"))
    with cloud.running():
        yield cloud


@pytest.fixture
def worker(cloud: LocalCloud, tmp_path: Path) -> WorkerProcess:
    settings = {
        "SHARED_WORD": "hush-hush",
        "SECRET_OF_THE_MACHINE": "s3cret",
        "ORCHESTRATOR_LOG_LEVEL": "INFO",
    }
    return WorkerProcess("office", cloud.endpoint, tmp_path / "worker.txt", 2, **settings)


def register(cloud: LocalCloud, name: str, text: str) -> None:
    (cloud.dags_dir / f"{name}.yaml").write_text(text)
    eventually(lambda: name in cloud.dag_ids())


def test_the_example_runs_on_a_worker(cloud: LocalCloud, worker: WorkerProcess) -> None:
    register(cloud, "own_machine", (PROJECT / "examples" / "own_machine.yaml").read_text())
    with worker.running():
        run_id = cloud.run("own_machine")
        eventually(lambda: cloud.has_ended(run_id))
    assert cloud.state(run_id) == "success", worker.said()
    assert "what is your name ? this is" in cloud.log(run_id, "answer")
    assert "thank you, " in cloud.log(run_id, "thank")


def test_workers_and_the_backlog_of_their_queues_are_listed(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    text = SLOW.format(name="Listed", folder=tmp_path).replace("office", "attic")
    worker = WorkerProcess("attic", cloud.endpoint, tmp_path / "worker.txt")
    register(cloud, "listed", text)
    run_id = cloud.run("listed")
    eventually(lambda: cloud.get(f"/runs/{run_id}")["waiting_for"])
    (reason,) = cloud.get(f"/runs/{run_id}")["waiting_for"]
    assert (reason["code"], "waits for a worker of queue attic" in reason["message"]) == (
        "worker",
        True,
    )

    def queue() -> dict[str, Any]:
        (found,) = [row for row in cloud.get("/workers")["queues"] if row["name"] == "attic"]
        return dict(found)

    assert queue()["workers"] == 0
    assert queue()["depth"]["visible"] >= 1  # a message may have been sent again
    with worker.running() as process:

        def listed() -> list[dict[str, Any]]:
            rows = cloud.get("/workers")["workers"]
            return [row for row in rows if row["name"].endswith(f"/{process.pid}")]

        eventually((tmp_path / "begun").exists)
        (row,) = eventually(listed)
        assert (row["queue"], row["parallelism"], row["is_alive"]) == ("attic", 2, True)
        assert queue()["workers"] == 1
        assert queue()["depth"]["in_flight"] >= 1
        (tmp_path / "go").touch()
        eventually(lambda: cloud.has_ended(run_id))
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANG_SECONDS) == 0
    eventually(lambda: not listed())


def test_a_worker_ends_after_its_commands_at_the_first_signal(
    cloud: LocalCloud, worker: WorkerProcess, tmp_path: Path
) -> None:
    worker.arguments[3] = "1"  # with a second slot it would wait for the end of a poll
    register(cloud, "polite", SLOW.format(name="Polite", folder=tmp_path))
    with worker.running() as process:
        run_id = cloud.run("polite")
        eventually((tmp_path / "begun").exists)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: "may finish" in worker.said())
        (tmp_path / "go").touch()
        assert process.wait(HANG_SECONDS) == 0
    eventually(lambda: cloud.has_ended(run_id))
    assert cloud.state(run_id) == "success"
    assert cloud.log(run_id, "work").endswith("finished\n")


def test_a_worker_that_is_killed_takes_its_commands_along(
    cloud: LocalCloud, worker: WorkerProcess, tmp_path: Path
) -> None:
    register(cloud, "killed", SLOW.format(name="Killed", folder=tmp_path))
    with worker.running():
        cloud.run("killed")
        eventually((tmp_path / "begun").exists)
        assert processes_that_mention("LOCAL_CLOUD=worker-")
        worker.kill()
        eventually(lambda: not processes_that_mention("LOCAL_CLOUD=worker-"))


def test_a_command_sees_neither_the_settings_nor_the_variables_of_its_worker(
    cloud: LocalCloud, worker: WorkerProcess
) -> None:
    register(cloud, "nosy", NOSY)
    with worker.running():
        run_id = cloud.run("nosy")
        eventually(lambda: cloud.has_ended(run_id))
    log = cloud.log(run_id, "look")
    assert "GIVEN=yes" in log
    assert "WORD=***" in log
    assert "s3cret" not in log
    assert "ORCHESTRATOR_" not in log
