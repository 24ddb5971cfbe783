"""The sessions in the documents, typed into a shell beside a local cloud."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.local_cloud import LocalCloud
from tests.support import docs
from tests.support.documented_commands import blocks, sessions
from tests.support.waiting import HANG_SECONDS, eventually

FAILS = "name: Fails\ntasks: [{id: fail, command: exit 3}]"


class Shell:
    """One shell, so that a variable that a command sets is there for the next one."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self._cloud = cloud
        self._folder = folder
        self._variables = folder / "variables"
        self._variables.touch()
        self._commands = folder / "bin"
        self._commands.mkdir()
        command = self._commands / "orchestrator"
        command.write_text(
            f'#!/bin/sh\nPYTHONPATH="{docs.ROOT}" exec "{sys.executable}" -m chalicelib.cli "$@"\n'
        )
        command.chmod(0o755)

    def type(self, command: str) -> str:
        """What the command prints. Where the document waits, this waits until it is so."""
        typed, wait, _ = command.partition("; sleep 1")
        for documented, here in ((8000, self._cloud.api_port), (4566, self._cloud.s3_port)):
            typed = typed.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{here}")
        environ = {
            **os.environ,
            "PATH": f"{self._commands}{os.pathsep}{os.environ['PATH']}",
            "ORCHESTRATOR_HOME": str(self._cloud.home),
        }
        around = f". {self._variables}; {typed}\ndeclare -p A J RUN > {self._variables} 2>/dev/null"
        done = subprocess.run(
            ["bash", "-c", around],
            cwd=self._folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
        if wait:
            eventually(self._is_quiet)
        return done.stdout

    def _is_quiet(self) -> bool:
        active = [
            self._cloud.get(f"/runs?state={state}")["runs"] for state in ("queued", "running")
        ]
        return "hello" in self._cloud.dag_ids() and not any(active)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud with two of the examples."""
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"))
    for name in ("sample_dag", "folder_report"):
        shutil.copy(docs.EXAMPLES / f"{name}.yaml", cloud.dags_dir)
    with cloud.running():
        eventually(lambda: len(cloud.dag_ids()) == 2)
        yield cloud


@pytest.fixture(scope="module")
def shell(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(cloud, tmp_path_factory.mktemp("shell"))


def shape(output: str) -> str:
    """Drop what differs between two runs: identities, times, durations."""
    output = re.sub(r"hello__\w+", "RUN_ID", output)
    output = re.sub(r"\b[0-9.]+m?s\b", "0s", output)
    return re.sub(r"\d+([-:.]\d+)*", "0", output)


def test_the_readme_s_session_prints_what_it_shows(shell: Shell) -> None:
    typed = list(sessions(docs.README))
    for command, shown in typed:
        assert shape(shell.type(command)).strip() == shape(shown).strip(), command
    assert len(typed) >= 4


def test_the_requests_that_the_api_s_page_shows_are_granted(
    cloud: LocalCloud, shell: Shell
) -> None:
    cloud.upload("fails.yaml", FAILS)
    eventually(lambda: "fails" in cloud.dag_ids())
    failed = cloud.run("fails")
    eventually(lambda: cloud.has_ended(failed))
    shell.type(f"RUN={failed}")
    shell.type(f"printf '{FAILS.encode('unicode_escape').decode()}' > hello.yaml")
    (block,) = blocks(docs.REST_API, "sh")
    requests, answers = block.splitlines(), []
    for line in requests:
        printed = shell.type(line.replace("curl ", "curl -s "))
        if printed:
            answers.append(json.loads(printed))
            assert "error" not in answers[-1], f"{line}\n{printed}"
    assert len(answers) == len([line for line in requests if line.startswith("curl")]) > 5


def test_the_command_that_checks_files_finds_the_examples_right() -> None:
    (block,) = blocks(docs.DAG_FILE, "sh")
    command = block.replace(".venv/bin/python", '"$PYTHON"')
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=docs.ROOT,
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
