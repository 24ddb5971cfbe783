"""However `chalice local` is ended, nothing of it goes on; where it cannot begin it says why."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.local_cloud import (
    CHALICE,
    PROJECT,
    LocalCloud,
    processes_that_mention,
)
from tests.support.waiting import HANG_SECONDS, eventually

# A command that resists SIGTERM and one that leaves its group and its session.
STUBBORN = """
name: stubborn
tasks:
  - id: resists
    command: trap '' TERM; touch resists-began; while true; do sleep 0.1; done
    cwd: {folder}
  - id: leaves
    command: setsid sleep 600 & touch leaves-began; sleep 600
    cwd: {folder}
"""


@pytest.fixture
def cloud(tmp_path: Path) -> LocalCloud:
    return LocalCloud(tmp_path)


@pytest.fixture
def copied(tmp_path: Path) -> LocalCloud:
    """Run on a copy of the project, because the reloader restarts at every file that changes."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copytree(PROJECT / ".chalice", project / ".chalice")
    shutil.copy(PROJECT / "app.py", project)
    (project / "chalicelib").symlink_to(PROJECT / "chalicelib")
    return LocalCloud(tmp_path, project)


def begin_stubborn_commands(cloud: LocalCloud) -> None:
    (cloud.dags_dir / "stubborn.yaml").write_text(STUBBORN.format(folder=cloud.folder))
    eventually(lambda: cloud.dag_ids() == ["stubborn"])
    cloud.run("stubborn")
    eventually(lambda: all((cloud.folder / f"{t}-began").exists() for t in ("resists", "leaves")))


def nothing_is_left(cloud: LocalCloud) -> bool:
    identity = cloud.home.joinpath("identity").read_text()
    return not [*processes_that_mention(identity), *processes_that_mention(str(cloud.home))]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_and_its_commands(cloud: LocalCloud, number: signal.Signals) -> None:
    with cloud.running() as process:
        begin_stubborn_commands(cloud)
        assert not nothing_is_left(cloud)
        process.send_signal(number)
        eventually(lambda: nothing_is_left(cloud))
        process.wait(HANG_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_reloader_ends_all(copied: LocalCloud, number: signal.Signals) -> None:
    with copied.running("--autoreload") as process:
        begin_stubborn_commands(copied)
        process.send_signal(number)
        process.wait(HANG_SECONDS)
        eventually(lambda: nothing_is_left(copied))


def test_the_terminals_ctrl_c_reaches_reloader_and_worker_together(copied: LocalCloud) -> None:
    with copied.running("--autoreload") as process:
        begin_stubborn_commands(copied)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(HANG_SECONDS)
        eventually(lambda: nothing_is_left(copied))


def test_a_change_in_the_project_restarts_it_with_its_state(copied: LocalCloud) -> None:
    with copied.running("--autoreload"):
        copied.upload("one.yaml", "name: one\ntasks: [{id: a, command: 'true'}]\n")
        eventually(lambda: copied.dag_ids() == ["one"])
        banner = f"state      {copied.home}"
        (copied.project / "note.txt").write_text("changed")
        eventually(lambda: copied.said().count(banner) == 2)
        eventually(lambda: copied.said().count("Serving on") == 2)
        assert copied.dag_ids() == ["one"]


def refusal(cloud: LocalCloud, *options: str) -> tuple[int, list[str]]:
    """The exit code and what was said, of a cloud that does not start."""
    process = cloud.launch(*options)
    try:
        code = process.wait(HANG_SECONDS)
    finally:
        process.kill()
        process.wait()
    return code, cloud.said().splitlines()


@pytest.fixture
def occupied() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_busy_api_port_is_refused_in_one_line(cloud: LocalCloud, occupied: int) -> None:
    cloud.api_port = occupied
    code, (line,) = refusal(cloud)
    assert code == 1
    assert f"127.0.0.1:{occupied}" in line
    assert "--port" in line


def test_a_busy_s3_port_is_refused_in_one_line(cloud: LocalCloud, occupied: int) -> None:
    cloud.settings["ORCHESTRATOR_S3_PORT"] = str(occupied)
    code, (line,) = refusal(cloud)
    assert code == 1
    assert f"127.0.0.1:{occupied}" in line
    assert "ORCHESTRATOR_S3_PORT" in line


def test_a_home_that_cannot_be_written_is_refused_in_one_line(cloud: LocalCloud) -> None:
    file = cloud.folder / "file"
    file.touch()
    cloud.settings["ORCHESTRATOR_HOME"] = str(file / "home")
    code, (line,) = refusal(cloud)
    assert code == 1
    assert "ORCHESTRATOR_HOME" in line


def test_a_home_inside_the_project_is_refused_in_one_line(copied: LocalCloud) -> None:
    copied.settings["ORCHESTRATOR_HOME"] = str(copied.project / "state")
    code, (line,) = refusal(copied)
    assert code == 2
    assert "inside the project folder" in line
    assert not (copied.project / "state").exists()


def test_a_second_cloud_on_one_home_is_refused_in_one_line(cloud: LocalCloud) -> None:
    second = LocalCloud(cloud.folder / "second", home=cloud.home)
    with cloud.running() as process:
        code, (line,) = refusal(second)
    assert code == 1
    assert f"process {process.pid}" in line


def test_a_setting_that_cannot_be_used_is_refused_in_one_line(cloud: LocalCloud) -> None:
    cloud.settings["ORCHESTRATOR_PARALLELISM"] = "many"
    code, (line,) = refusal(cloud)
    assert code == 2
    assert "ORCHESTRATOR_PARALLELISM='many': must be a whole number" in line


def test_an_unknown_setting_is_refused_with_the_nearest_one(cloud: LocalCloud) -> None:
    cloud.settings["ORCHESTRATOR_PARALELISM"] = "2"
    code, (line,) = refusal(cloud)
    assert code == 2
    assert "did you mean ORCHESTRATOR_PARALLELISM?" in line


def test_a_folder_of_dag_files_that_is_not_there_is_refused_in_one_line(cloud: LocalCloud) -> None:
    cloud.settings["ORCHESTRATOR_DAGS_DIR"] = str(cloud.folder / "nowhere")
    code, (line,) = refusal(cloud)
    assert code == 2
    assert "ORCHESTRATOR_DAGS_DIR" in line


def test_an_open_api_that_others_can_reach_is_refused_in_one_line(cloud: LocalCloud) -> None:
    cloud.settings["ORCHESTRATOR_AUTH"] = "none"
    code, (line,) = refusal(cloud, "--no-autoreload", "--host", "0.0.0.0")
    assert code == 2
    assert "--host 0.0.0.0" in line


def test_an_address_that_others_can_reach_demands_the_token_that_is_printed_once(
    cloud: LocalCloud,
) -> None:
    process = cloud.launch("--no-autoreload", "--host", "0.0.0.0")
    try:
        eventually(lambda: "upload " in cloud.output.read_text())
        (line,) = [text for text in cloud.output.read_text().splitlines() if "token " in text]
        url = f"http://127.0.0.1:{cloud.api_port}/api/dags"
        eventually(lambda: status_of(url) == 401)
        assert status_of(url, line.split()[1]) == 200
    finally:
        process.kill()
        process.wait()


def status_of(url: str, token: str = "") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0


@pytest.mark.parametrize("package", ["moto", "re2"])
def test_a_missing_package_is_refused_in_one_line(cloud: LocalCloud, package: str) -> None:
    missing = cloud.folder / "packages" / package
    missing.mkdir(parents=True)
    gone = f"raise ModuleNotFoundError('gone', name={package!r})"
    missing.joinpath("__init__.py").write_text(gone)
    cloud.settings["PYTHONPATH"] = str(missing.parent)
    code, lines = refusal(cloud)
    assert code == 1
    [line] = [line for line in lines if "requirements-dev.txt" in line]
    assert package in line
    assert "Traceback" not in "".join(lines)


def test_under_the_reloader_a_refusal_ends_both_processes(
    copied: LocalCloud, occupied: int
) -> None:
    copied.settings["ORCHESTRATOR_S3_PORT"] = str(occupied)
    _, (line,) = refusal(copied, "--autoreload")
    assert "ORCHESTRATOR_S3_PORT" in line
    eventually(lambda: not processes_that_mention(str(copied.home)))


def test_other_chalice_commands_start_nothing(cloud: LocalCloud) -> None:
    environ = {**os.environ, **cloud.settings, "AWS_DEFAULT_REGION": "us-east-1"}
    command = [str(CHALICE), "dev", "appgraph"]
    done = subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, timeout=HANG_SECONDS
    )
    assert b"execute" in done.stdout, done.stderr
    assert not cloud.home.exists()
