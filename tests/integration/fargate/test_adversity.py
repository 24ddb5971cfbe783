"""Whatever happens to the two containers of a task on Fargate, its run ends with a state and a
reason. A log of 100 MB: `FARGATE_LOG_MB=100 pytest tests/integration/fargate/test_adversity.py`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.enums import Outcome
from chalicelib.executor.log_store import HEAD_BYTES, TAIL_BYTES
from chalicelib.messages import TaskMessage
from tests.integration.fargate.two_processes import Task
from tests.support.waiting import HANG_SECONDS, eventually
from tests.support.world import DIE, Played, World
from tests.workers.proxy import DroppingProxy

LOG_MB = int(os.environ.get("FARGATE_LOG_MB", "5"))
DAG = "name: D\ntasks: [{id: t, command: 'echo begun; sleep 600', image: alpine}]"


def descendants(pid: int) -> list[int]:
    """The processes below this one, whatever their sessions."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(stat.parent.name))
    below = list(parents.get(pid, []))
    for child in below:
        below += parents.get(child, [])
    return below


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def destroy(pid: int) -> None:
    """Kill all of a container at once, as the kernel does at the end of its first process."""
    for process in (*descendants(pid), pid):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def begin(task: Task) -> list[int]:
    """Start the task, and wait for its command. Returns the command's processes."""
    task.start()
    log = task.volume / "jobs" / "1" / "log"
    eventually(lambda: log.exists() and log.read_text().startswith("begun\n"))
    return descendants(task.wrapper.pid)


def kill_sidecar(task: Task) -> None:
    command = begin(task)
    task.sidecar.kill()
    assert task.wrapper.wait(HANG_SECONDS) == 0  # nobody watches: the command is ended, too
    eventually(lambda: not any(map(lives, command)))


def kill_wrapper(task: Task) -> None:
    begin(task)
    destroy(task.wrapper.pid)
    task.sidecar.wait(HANG_SECONDS)


def kill_both(task: Task) -> None:
    begin(task)
    destroy(task.sidecar.pid)
    destroy(task.wrapper.pid)


@pytest.mark.parametrize(
    ("kill", "outcome", "reason"),
    [
        (kill_sidecar, "lost", "the executor went silent"),
        (kill_wrapper, "failed", "was lost while its command ran"),
        (kill_both, "lost", "the executor went silent"),
    ],
)
def test_whoever_is_killed_the_run_ends_with_a_state_and_a_reason(
    make: Any, tmp_path: Path, kill: Any, outcome: str, reason: str
) -> None:
    ran: list[TaskMessage] = []

    def play(message: TaskMessage) -> Played:
        ran.append(message)
        task = make(message)
        task.sidecar_environ["FARGATE_LOST_LATER_SECONDS"] = "2"
        kill(task)
        for result in task.results():
            return Played(
                result.outcome,
                exit_code=result.exit_code,
                reason=result.reason,
                is_transient=result.is_transient,
            )
        return DIE

    world = World(tmp_path, play, fargate="yes")
    try:
        world.upload(DAG)
        run_id = world.request("d")
        world.play(3600)
        assert world.run_state(run_id) == "failed"
        ((ended, why),) = world.all("SELECT outcome, reason FROM attempts")
    finally:
        world.close()
    assert ended == outcome
    assert reason in why
    assert len(ran) == 1  # what may have run is not started again without a retry


def test_an_image_that_never_starts_is_told_and_may_be_tried_again(make: Any) -> None:
    task = make("echo no", image="no-shell")
    task.sidecar_environ["FARGATE_LOST_SECONDS"] = "0.5"
    result = task.start(has_wrapper=False).result()
    assert (result.outcome, result.is_transient) == (Outcome.FAILED, True)
    assert "the container of the image no-shell did not start" in result.reason


def test_of_two_tasks_for_one_message_at_the_same_time_one_runs(make: Any) -> None:
    task = make("echo once")
    both = [task, make(task.message)]
    for each in both:
        each.start()
    for each in both:
        each.wait()
    assert [result.outcome for result in task.results()] == [Outcome.SUCCESS]
    assert sum((each.volume / "jobs" / "1" / "go").exists() for each in both) == 1


@pytest.fixture
def proxy(endpoint: str) -> Iterator[DroppingProxy]:
    port = urlsplit(endpoint).port
    assert port is not None
    proxy = DroppingProxy(port)
    yield proxy
    proxy.close()


def behind(proxy: DroppingProxy, task: Task) -> Task:
    task.sidecar_environ["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{proxy.port}"
    return task


def test_a_sidecar_that_finds_no_s3_waits_until_it_is_back(make: Any, proxy: DroppingProxy) -> None:
    task = behind(proxy, make("echo ran"))
    proxy.refuse()
    task.start()
    eventually(lambda: proxy.refused >= 5)  # more than one call tries by itself
    proxy.mend()
    assert task.result().outcome is Outcome.SUCCESS


def test_the_log_is_whole_although_s3_was_gone_when_the_command_ended(
    make: Any, proxy: DroppingProxy, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    command = 'echo begun; while [ ! -e "$GO" ]; do sleep 0.1; done; echo ended'
    task = behind(proxy, make(command, env={"GO": str(go)}, log_in_result=0))
    begin(task)
    proxy.refuse()
    # Counted from here: later on, the pauses between two tries are long.
    before = proxy.refused
    go.touch()
    eventually((task.volume / "jobs" / "1" / "exit").exists)
    eventually(lambda: proxy.refused >= before + 9)  # more than two calls try by themselves
    proxy.mend()
    result = task.result()
    assert (result.outcome, result.reason) == (Outcome.SUCCESS, "")
    log = task.log(result)
    assert "Z begun\n" in log
    assert log.endswith("Z ended\n")


def test_a_long_log_comes_through_and_keeps_its_beginning_and_its_end(make: Any) -> None:
    line = "x" * 99
    count = LOG_MB * 10_000
    task = make(f"echo first; yes {line} | head -n {count}; echo last", log_in_result=0)
    result = task.start().result()
    assert (result.outcome, result.reason) == (Outcome.SUCCESS, "")
    assert result.log_bytes > LOG_MB * 1_000_000
    log = task.log(result)
    assert len(log) >= min(result.log_bytes, HEAD_BYTES + TAIL_BYTES // 2)
    assert "Z first\n" in log.splitlines(keepends=True)[0]
    assert log.endswith("Z last\n")
