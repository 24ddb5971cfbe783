"""The two containers of a task on Fargate as two real processes that share a folder: the sidecar,
and the wrapper under each shell that there is. S3 and SQS are moto's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.claims import BucketClaims
from chalicelib.enums import Outcome
from tests.integration.fargate.two_processes import SHELLS, Task
from tests.support.waiting import HANG_SECONDS, eventually

ASKS_WHETHER_IT_IS_CLOSED = """
import ctypes, os
from chalicelib.fargate import sidecar
sidecar.main()
PR_GET_DUMPABLE = 3
open(os.environ["ASKED"], "w").write(str(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)))
"""


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_command_runs_in_the_other_container_and_reports_all_that_it_did(
    make: Any, shell: list[str]
) -> None:
    command = (
        'echo "$GREETING from $FROM_IMAGE"; echo "$AWS_SECRET_ACCESS_KEY." >&2;'
        ' echo n=4 >> "$DAG_OUTPUT"; echo x > left; [ -e left ]'
    )
    task = make(
        command,
        shell,
        vcpu=1,
        memory_mb=3000,
        env={"GREETING": "it's me"},
        outputs=["n"],
        when="true",
    ).start()
    result = task.result()
    assert (result.outcome, result.exit_code, result.outputs) == (Outcome.SUCCESS, 0, {"n": "4"})
    assert (result.vcpu, result.memory_mb, result.billed_ms) == (1, 3072, 60_000)
    log = task.log(result)
    assert "it's me from kept" in log
    assert "Z .\n" in log  # the sidecar's keys never reach the command


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("command", "code", "number", "reason"),
    [
        ("echo no; exit 3", 3, None, "exit code 3"),
        ("exit 137", 137, None, "exit code 137 (128 + SIGKILL), possibly out of memory"),
        ("kill -KILL $$", None, 9, "killed by signal 9 (SIGKILL), possibly out of memory"),
        ("kill -TERM $$", None, 15, "killed by signal 15 (SIGTERM)"),
    ],
)
def test_an_exit_code_and_a_signal_are_told_apart_as_on_lambda(
    make: Any, shell: list[str], command: str, code: int | None, number: int | None, reason: str
) -> None:
    result = make(command, shell).start().result()
    assert (result.outcome, result.exit_code, result.signal, result.reason) == (
        Outcome.FAILED,
        code,
        number,
        reason,
    )


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_peak_of_memory_is_that_of_the_process_which_used_most(
    make: Any, shell: list[str]
) -> None:
    use = "import time; text = 'x' * 60_000_000; time.sleep(0.8)"
    result = make(f'true; {sys.executable} -S -c "{use}"; true', shell).start().result()
    assert result.outcome is Outcome.SUCCESS
    assert result.max_rss is not None
    assert 60_000_000 < result.max_rss < 120_000_000


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_command_that_ignores_sigterm_ends_with_its_time(make: Any, shell: list[str]) -> None:
    task = make("trap '' TERM; touch $HOME/../../began; sleep 600", shell, timeout=1.0).start()
    assert task.result().outcome is Outcome.TIMEOUT


def test_a_cancelled_command_ends_within_seconds(make: Any) -> None:
    task = make("echo begun; sleep 600").start()
    jobs = task.volume / "jobs" / "1" / "log"
    eventually(lambda: jobs.exists() and jobs.read_text() == "begun\n")
    BucketClaims(task.runs).request_cancel(task.message.attempt, 0.0)
    assert task.result().outcome is Outcome.CANCELLED


def test_a_script_is_run_by_its_program(make: Any) -> None:
    result = make("#!/usr/bin/env sh\necho script in $0").start().result()
    assert "script in" in (result.log or "")


def test_an_attempt_that_is_started_twice_runs_once(make: Any) -> None:
    task = make("echo once")
    task.start()
    task.result()
    again = Task(task.endpoint, task.folder / "again", task.shell, task.message)
    again.volume.mkdir(parents=True)
    again.start()
    for process in again.processes:
        process.wait(HANG_SECONDS)
    assert again.results() == []
    assert not (again.volume / "jobs" / "1" / "go").exists()


@pytest.mark.parametrize("name", ["exit", "lost", "signal"])
def test_a_link_in_the_shared_folder_shows_nothing_of_the_sidecars_container(
    make: Any, tmp_path: Path, name: str
) -> None:
    secret = tmp_path / "of-the-sidecar"
    secret.write_text("s3cr3t")
    jobs = "$HOME/../../jobs/1"
    task = make(
        f'ln -s "{secret}" "{jobs}/{name}.link"; mv -f "{jobs}/{name}.link" "{jobs}/{name}"'
    )
    result = task.start().result()
    assert "s3cr3t" not in task.log(result) + result.reason
    assert secret.read_text() == "s3cr3t"


def test_the_sidecar_is_closed_to_other_processes_of_its_user(make: Any) -> None:
    task = make("true")
    task.program = ("-c", ASKS_WHETHER_IT_IS_CLOSED)
    task.sidecar_environ["ASKED"] = str(task.folder / "asked")
    assert task.start().result().outcome is Outcome.SUCCESS
    assert (task.folder / "asked").read_text() == "0"
