"""A command in its image: what the engine is asked for, and what becomes of the command.

The engine is a stand-in that runs the command on this machine; the last test has a real client
without a daemon, where there is one.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from chalicelib.enums import Outcome
from tests.integration.executor.bench_of_one import Bench
from tests.support.waiting import eventually

STAND_IN = Path(__file__).parents[2] / "support" / "stand_in_engine"
IMAGE = "python:3.13-slim"


class Engine:
    """The stand-in, first on the PATH by the name of `client`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, client: str) -> None:
        programs = folder / "programs"
        programs.mkdir()
        for name in ("bash", "sh", "env", "sleep", "cat", "pwd", "touch", "ls"):
            (programs / name).symlink_to(str(shutil.which(name)))
        (programs / client).symlink_to(STAND_IN)
        self._arguments = folder / "arguments"
        monkeypatch.setenv("DOCKER_ARGUMENTS", str(self._arguments))
        self.bench = Bench({"PATH": str(programs)})

    def asked(self, action: str = "run") -> list[str]:
        """The arguments of the latest call of the client."""
        return self._arguments.with_suffix(f".{action}").read_text().splitlines()

    def was_asked(self, action: str) -> bool:
        return self._arguments.with_suffix(f".{action}").exists()


@pytest.fixture(params=["docker", "podman"])
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    return Engine(tmp_path, monkeypatch, request.param)


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(tmp_path, monkeypatch, "docker")


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_a_command_runs_in_its_image_with_the_size_that_it_asks_for(engine: Engine) -> None:
    result = engine.bench.run("echo hello; exit 3", image=IMAGE, memory_mb=512, vcpu=0.5)
    assert (result.outcome, result.exit_code, result.max_rss) == (Outcome.FAILED, 3, None)
    assert engine.bench.output() == ["hello"]
    asked = engine.asked()
    assert IMAGE in asked
    assert (option(asked, "--memory"), option(asked, "--memory-swap")) == ("512m", "512m")
    assert option(asked, "--cpus") == "0.5"
    assert "--rm" in asked


def test_without_a_size_none_is_asked_for(docker: Engine) -> None:
    docker.bench.run("true", image=IMAGE)
    assert not {"--memory", "--cpus"} & set(docker.asked())


def test_it_is_given_its_environment_and_no_value_of_it_stands_in_an_argument(
    docker: Engine,
) -> None:
    env = {"GREETING": "to be kept", "PATH_OF_IT": "x"}
    result = docker.bench.run('echo "$GREETING"; echo "${DAG_OUTPUT##*/}"', image=IMAGE, env=env)
    assert result.outcome is Outcome.SUCCESS
    assert docker.bench.output() == ["to be kept", "output"]
    asked = docker.asked()
    assert "GREETING" in asked
    assert not [argument for argument in asked if "to be kept" in argument]
    assert "PATH" not in asked  # an image has its own


def test_outputs_and_tests_and_scripts_work_as_without_an_image(docker: Engine) -> None:
    done = docker.bench.run('echo n=4 >> "$DAG_OUTPUT"', image=IMAGE, outputs=["n"], when="true")
    assert done.outputs == {"n": "4"}
    assert docker.bench.run("true", image=IMAGE, when="false").outcome is Outcome.SKIPPED
    docker.bench.run("#!/usr/bin/env sh\necho script", image=IMAGE)
    assert docker.bench.output() == ["script"]
    assert option(docker.asked(), "--entrypoint") == "/usr/bin/env"


def test_a_cwd_is_a_folder_of_the_image(docker: Engine) -> None:
    docker.bench.run("pwd", image=IMAGE, cwd="/usr")
    assert docker.bench.output() == ["/usr"]


def test_a_command_that_ignores_its_end_is_removed_with_its_container(docker: Engine) -> None:
    result = docker.bench.run("sleep 600", image=IMAGE, timeout=0.2)
    assert result.outcome is Outcome.TIMEOUT
    eventually(lambda: docker.was_asked("rm"))
    assert option(docker.asked("rm"), "--force") == option(docker.asked(), "--name")


def test_on_the_host_the_first_line_of_the_log_says_so(tmp_path: Path) -> None:
    bench = Bench(ignores_images=True)
    assert bench.run("echo here", image=IMAGE).outcome is Outcome.SUCCESS
    first, second = bench.output()
    assert f"without its image {IMAGE} (ORCHESTRATOR_IMAGES=host)" in first
    assert second == "here"


def test_without_an_engine_the_attempt_fails_and_says_what_to_install(tmp_path: Path) -> None:
    for name in ("bash", "sh"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    bench = Bench({"PATH": str(tmp_path)})
    result = bench.run("true", image=IMAGE)
    assert result.outcome is Outcome.FAILED
    for word in ("Docker or Podman", "ORCHESTRATOR_IMAGES=host"):
        assert word in result.reason
        assert word in bench.log()


def test_what_the_engine_could_not_run_is_told_from_what_the_command_did(
    docker: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert docker.bench.run("exit 125", image=IMAGE).exit_code == 125
    monkeypatch.setenv("DOCKER_HAS_NO_DAEMON", "1")
    result = docker.bench.run("true", image=IMAGE)
    assert (result.outcome, result.exit_code) == (Outcome.FAILED, None)
    assert "docker could not run the image" in result.reason
    assert "Cannot connect" in docker.bench.log()


def _has_no_daemon() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "version"], capture_output=True, check=False)
    return asked.returncode != 0


@pytest.mark.skipif(not _has_no_daemon(), reason="needs Docker's client and no daemon")
def test_a_real_client_without_a_daemon_is_told_from_a_command() -> None:
    bench = Bench()
    result = bench.run("true", image=IMAGE)
    assert (result.outcome, result.exit_code) == (Outcome.FAILED, None)
    assert "docker could not run the image" in result.reason
    assert "daemon" in bench.log()
